// Go's template language, second step: tokens to a tree.

import { scanTemplate, syntaxError, type Token, type TokenKind } from "./go-template-tokens.ts";

/** `at` and `source` name the place in an error: "template: :1:2: executing "" at <.Foo>". */
interface Place {
  readonly at: number;
  readonly source: string;
}

export type Operand = Place &
  (
    | { readonly kind: "literal"; readonly value: string | number | boolean | null }
    | { readonly kind: "dot" }
    | { readonly kind: "variable"; readonly name: string }
    | { readonly kind: "call"; readonly name: string }
    | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
    | { readonly kind: "field"; readonly of: Operand; readonly name: string }
  );

export type Command = Place & { readonly operands: readonly Operand[] };

export interface Pipeline {
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: "break" | "continue" };

const BLOCKS = ["if", "with", "range"] as const;
const UNSUPPORTED = new Set(["define", "template", "block"]);
const blockOf = (word: string): (typeof BLOCKS)[number] | undefined => BLOCKS.find((block) => block === word);

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #functions: ReadonlySet<string>;
  readonly #variables: string[] = ["$"];
  #next = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source;
    this.#tokens = scanTemplate(source);
    this.#functions = functions;
  }

  #fail(message: string, at = this.#peek()?.at ?? this.#source.length): never {
    throw syntaxError(this.#source, at, message);
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  #take(): Token {
    const token = this.#tokens[this.#next++];
    return token ?? this.#fail("unexpected EOF");
  }

  #takeIf(kind: TokenKind): boolean {
    if (this.#peek()?.kind !== kind) return false;
    this.#next++;
    return true;
  }

  template(): readonly Node[] {
    const { nodes, end } = this.#list();
    if (end !== "eof") this.#fail(`unexpected {{${end}}}`);
    return nodes;
  }

  /** Nodes up to "end", "else" (whose words are still to be read) or the end of the template. */
  #list(): { nodes: Node[]; end: "end" | "else" | "eof" } {
    const nodes: Node[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      this.#next++;
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const first = this.#peek();
      const word = first?.kind === "word" ? first.text : "";
      if (word === "end" || word === "else") {
        this.#next++;
        if (word === "end") this.#close("end");
        return { nodes, end: word };
      }
      nodes.push(this.#action(word));
    }
    return { nodes, end: "eof" };
  }

  #action(word: string): Node {
    const block = blockOf(word);
    if (block !== undefined) {
      this.#next++;
      return this.#block(block);
    }
    if (word === "break" || word === "continue") {
      this.#next++;
      this.#close(word);
      return { kind: word };
    }
    if (UNSUPPORTED.has(word)) this.#fail(`{{${word}}} is not supported by this version of Gantry`);
    const pipeline = this.#pipeline("command");
    this.#close("command");
    return { kind: "output", pipeline };
  }

  #close(context: string): void {
    const token = this.#peek();
    if (token?.kind !== "close") this.#fail(`unexpected <${token?.text ?? ""}> in ${context}`);
    this.#next++;
  }

  #block(kind: (typeof BLOCKS)[number]): Node {
    const scope = this.#variables.length;
    const pipeline = this.#pipeline(kind);
    this.#close(kind);
    const { nodes, end } = this.#list();
    if (end === "eof") this.#fail("unexpected EOF");
    const otherwise = end === "else" ? this.#otherwise(kind) : [];
    this.#variables.length = scope;
    return { kind, pipeline, body: nodes, otherwise };
  }

  #otherwise(kind: (typeof BLOCKS)[number]): readonly Node[] {
    const word = this.#peek();
    const chained = word?.kind === "word" ? blockOf(word.text) : undefined;
    if (chained !== undefined && chained === kind && kind !== "range") {
      this.#next++;
      return [this.#block(chained)]; // {{else if}}: its {{end}} ends both
    }
    this.#close("else");
    const { nodes, end } = this.#list();
    if (end !== "end") this.#fail(end === "eof" ? "unexpected EOF" : "expected end; found {{else}}");
    return nodes;
  }

  #pipeline(context: string): Pipeline {
    const { variables, declares } = this.#declaration(context);
    const commands: Command[] = [];
    do {
      commands.push(this.#command(context));
    } while (this.#takeIf("pipe"));
    this.#variables.push(...variables);
    return { variables, declares, commands };
  }

  #declaration(context: string): { variables: readonly string[]; declares: boolean } {
    const [first, second, third, fourth] = [0, 1, 2, 3].map((ahead) => this.#peek(ahead));
    if (first?.kind !== "variable") return { variables: [], declares: false };
    if (second?.kind === "declare" || second?.kind === "assign") {
      this.#next += 2;
      return { variables: [first.text], declares: second.kind === "declare" };
    }
    const pair = context === "range" && second?.kind === "comma" && third?.kind === "variable";
    if (!pair || (fourth?.kind !== "declare" && fourth?.kind !== "assign"))
      return { variables: [], declares: false };
    this.#next += 4;
    return { variables: [first.text, third.text], declares: fourth.kind === "declare" };
  }

  #command(context: string): Command {
    const start = this.#peek();
    const operands: Operand[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.kind === "close" || token.kind === "pipe" || token.kind === "rightParen") break;
      operands.push(this.#operand());
    }
    if (operands.length === 0) this.#fail(`missing value for ${context}`);
    const at = start?.at ?? 0;
    const end = this.#tokens[this.#next - 1]?.end ?? at;
    return { operands, at, source: this.#source.slice(at, end) };
  }

  #operand(): Operand {
    let operand = this.#term();
    for (let token = this.#peek(); token?.kind === "field" && !token.spaced; token = this.#peek()) {
      if (operand.kind === "literal") this.#fail(`unexpected . after term "${operand.source}"`);
      this.#next++;
      const source = this.#source.slice(operand.at, token.end);
      operand = { kind: "field", of: operand, name: token.text, at: token.at, source };
    }
    return operand;
  }

  #term(): Operand {
    const token = this.#take();
    const place = { at: token.at, source: this.#source.slice(token.at, token.end) };
    switch (token.kind) {
      case "string":
        return { kind: "literal", value: token.text, ...place };
      case "number":
        return { kind: "literal", value: Number(token.text.replaceAll("_", "")), ...place };
      case "dot":
        return { kind: "dot", ...place };
      case "field":
        return { kind: "field", of: { kind: "dot", ...place }, name: token.text, ...place };
      case "variable":
        if (!this.#variables.includes(token.text)) this.#fail(`undefined variable "${token.text}"`, token.at);
        return { kind: "variable", name: token.text, ...place };
      case "word":
        return this.#word(token, place);
      case "leftParen": {
        const pipeline = this.#pipeline("parenthesized pipeline");
        if (!this.#takeIf("rightParen")) this.#fail("unclosed left paren");
        return { kind: "pipeline", pipeline, ...place };
      }
      default:
        return this.#fail(`unexpected "${token.text}" in operand`, token.at);
    }
  }

  #word(token: Token, place: Place): Operand {
    if (token.text === "true" || token.text === "false")
      return { kind: "literal", value: token.text === "true", ...place };
    if (token.text === "nil") return { kind: "literal", value: null, ...place };
    if (!this.#functions.has(token.text)) this.#fail(`function "${token.text}" not defined`, token.at);
    return { kind: "call", name: token.text, ...place };
  }
}

/** Throws TemplateSyntaxError in Go's words. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): readonly Node[] {
  return new Parser(source, functions).template();
}
