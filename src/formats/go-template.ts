// Go's text/template, as Docker's --format uses it: parse once, execute for each row.

import { TEMPLATE_FUNCTIONS, type TemplateFunction } from "./go-template-functions.ts";
import { type Command, type Node, type Operand, type Pipeline, parseTemplate } from "./go-template-parser.ts";
import { isMap, isTrue, print, Struct, typeName } from "./go-template-values.ts";

export interface TemplateOptions {
  /** A key that a map lacks: prints "<no value>", or is an error. */
  readonly missingKey?: "default" | "error";
  /** Replace or add to the usual functions. */
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
}

export interface Template {
  /** Throws TemplateExecutionError in Go's words. */
  execute(data: unknown): string;
}

class TemplateExecutionError extends Error {
  override readonly name = "TemplateExecutionError";
}

/** Ends or goes on with the innermost range. */
class LoopSignal {
  readonly kind: "break" | "continue";

  constructor(kind: "break" | "continue") {
    this.kind = kind;
  }
}

interface Scope {
  readonly variables: Map<string, unknown>;
  readonly parent?: Scope;
}

const LAZY = new Set(["and", "or"]);

class Execution {
  readonly #source: string;
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #missingIsError: boolean;
  #out = "";

  constructor(
    source: string,
    functions: Readonly<Record<string, TemplateFunction>>,
    missingIsError: boolean,
  ) {
    this.#source = source;
    this.#functions = functions;
    this.#missingIsError = missingIsError;
  }

  run(nodes: readonly Node[], data: unknown): string {
    this.#list(nodes, data, { variables: new Map([["$", data]]) });
    return this.#out;
  }

  #fail(place: { readonly at: number; readonly source: string }, message: string): never {
    const before = this.#source.slice(0, place.at).split("\n");
    const column = Buffer.byteLength(before.at(-1) ?? "");
    const text = place.source.length > 20 ? `${place.source.slice(0, 20)}...` : place.source;
    throw new TemplateExecutionError(
      `template: :${before.length}:${column}: executing "" at <${text}>: ${message}`,
    );
  }

  /** Go on with `scope` for a whole list, so that a variable set in it is known to its later nodes. */
  #list(nodes: readonly Node[], dot: unknown, scope: Scope): LoopSignal | undefined {
    const inner: Scope = { variables: new Map(), parent: scope };
    for (const node of nodes) {
      const signal = this.#node(node, dot, inner);
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  #node(node: Node, dot: unknown, scope: Scope): LoopSignal | undefined {
    switch (node.kind) {
      case "text":
        this.#out += node.text;
        return undefined;
      case "output": {
        const value = this.#pipeline(node.pipeline, dot, scope);
        if (node.pipeline.variables.length === 0) this.#out += print(value);
        return undefined;
      }
      case "if":
      case "with": {
        const inner: Scope = { variables: new Map(), parent: scope };
        const value = this.#pipeline(node.pipeline, dot, inner);
        if (!isTrue(value)) return this.#list(node.otherwise, dot, inner);
        return this.#list(node.body, node.kind === "with" ? value : dot, inner);
      }
      case "range":
        return this.#range(node, dot, scope);
      case "break":
      case "continue":
        return new LoopSignal(node.kind);
      default:
        return node satisfies never;
    }
  }

  #range(node: Node & { kind: "if" | "with" | "range" }, dot: unknown, scope: Scope): LoopSignal | undefined {
    const value = this.#pipeline({ ...node.pipeline, variables: [] }, dot, scope);
    const entries = this.#entries(value, node.pipeline);
    if (entries.length === 0) return this.#list(node.otherwise, dot, scope);
    const names = node.pipeline.variables;
    for (const [key, element] of entries) {
      const variables = new Map<string, unknown>();
      const inner: Scope = { variables, parent: scope };
      const given = names.length === 2 ? [key, element] : [element];
      for (const [at, name] of names.entries()) this.#bind(inner, name, given[at], node.pipeline.declares);
      const signal = this.#list(node.body, element, inner);
      if (signal?.kind === "break") break;
    }
    return undefined;
  }

  #entries(value: unknown, pipeline: Pipeline): readonly (readonly [unknown, unknown])[] {
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) return value.map((element: unknown, at) => [at, element] as const);
    if (typeof value === "number")
      return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at] as const);
    if (isMap(value)) return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    const place = pipeline.commands[0] ?? { at: 0, source: "" };
    return this.#fail(place, `range can't iterate over ${print(value)}`);
  }

  #bind(scope: Scope, name: string, value: unknown, declares: boolean): void {
    let owner: Scope | undefined = declares ? undefined : scope;
    while (owner !== undefined && !owner.variables.has(name)) owner = owner.parent;
    (owner ?? scope).variables.set(name, value);
  }

  #pipeline(pipeline: Pipeline, dot: unknown, scope: Scope): unknown {
    let value: unknown;
    for (const [at, command] of pipeline.commands.entries())
      value = this.#command(command, at === 0 ? [] : [value], dot, scope);
    for (const name of pipeline.variables) this.#bind(scope, name, value, pipeline.declares);
    return value;
  }

  #command(command: Command, piped: readonly unknown[], dot: unknown, scope: Scope): unknown {
    const [first, ...rest] = command.operands;
    if (first === undefined) return undefined;
    if (first.kind === "call" && LAZY.has(first.name)) return this.#lazy(first.name, rest, piped, dot, scope);
    if (first.kind === "call") {
      const args = [...rest.map((operand) => this.#value(operand, dot, scope)), ...piped];
      return this.#call(first, first.name, args);
    }
    if (first.kind === "field" && rest.length + piped.length > 0) {
      const args = [...rest.map((operand) => this.#value(operand, dot, scope)), ...piped];
      return this.#field(first, this.#value(first.of, dot, scope), args);
    }
    if (rest.length > 0 || piped.length > 0)
      this.#fail(command, `can't give argument to non-function ${first.source}`);
    return this.#value(first, dot, scope);
  }

  // biome-ignore lint/complexity/useMaxParams: the operands of a command and where they are evaluated belong together
  #lazy(
    name: string,
    operands: readonly Operand[],
    piped: readonly unknown[],
    dot: unknown,
    scope: Scope,
  ): unknown {
    const stopsAt = name === "or";
    let value: unknown;
    for (const operand of operands) {
      value = this.#value(operand, dot, scope);
      if (isTrue(value) === stopsAt) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #call(place: Operand, name: string, args: readonly unknown[]): unknown {
    const implementation = this.#functions[name];
    if (implementation === undefined) return this.#fail(place, `"${name}" is not a defined function`);
    try {
      return implementation(args);
    } catch (error) {
      return this.#fail(place, error instanceof Error ? error.message : String(error));
    }
  }

  #value(operand: Operand, dot: unknown, scope: Scope): unknown {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "dot":
        return dot;
      case "variable":
        return this.#variable(operand.name, scope);
      case "call":
        return LAZY.has(operand.name)
          ? this.#fail(operand, `wrong number of args for ${operand.name}: want at least 1 got 0`)
          : this.#call(operand, operand.name, []);
      case "pipeline":
        return this.#pipeline(operand.pipeline, dot, scope);
      case "field":
        return this.#field(operand, this.#value(operand.of, dot, scope), []);
      default:
        return operand satisfies never;
    }
  }

  #variable(name: string, scope: Scope): unknown {
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent)
      if (at.variables.has(name)) return at.variables.get(name);
    return undefined;
  }

  #field(place: Operand & { kind: "field" }, of: unknown, args: readonly unknown[]): unknown {
    const name = place.name;
    if (of instanceof Struct) {
      const member = of.fields[name];
      if (typeof member === "function") return Reflect.apply(member, undefined, args);
      if (name in of.fields) return member;
      return this.#fail(place, `can't evaluate field ${name} in type ${of.type}`);
    }
    if (of === undefined && !this.#missingIsError) return undefined;
    if (of === undefined || of === null)
      return this.#fail(place, `nil pointer evaluating interface {}.${name}`);
    if (!isMap(of)) return this.#fail(place, `can't evaluate field ${name} in type ${typeName(of)}`);
    if (Object.hasOwn(of, name)) return of[name];
    if (this.#missingIsError) this.#fail(place, `map has no entry for key "${name}"`);
    return undefined;
  }
}

/** Throws TemplateSyntaxError in Go's words. */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const functions = { ...TEMPLATE_FUNCTIONS, ...options.functions };
  const nodes = parseTemplate(source, new Set([...Object.keys(functions), ...LAZY]));
  return {
    execute: (data) => new Execution(source, functions, options.missingKey === "error").run(nodes, data),
  };
}
