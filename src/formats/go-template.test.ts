import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTemplate } from "./go-template.ts";
import { Struct } from "./go-template-values.ts";

const data = {
  Name: "web",
  Count: 3,
  Running: true,
  Nothing: null,
  Ports: ["80", "443"],
  Labels: { b: "2", a: "1" },
  Net: { bridge: { IP: "172.17.0.2" } },
};

const rows: readonly (readonly [string, string])[] = [
  ["plain", "plain"],
  ["{{.Name}}:{{.Count}}", "web:3"],
  ["{{ .Net.bridge.IP }}", "172.17.0.2"],
  ["{{.Ports}} {{.Labels}} {{.Nothing}}", "[80 443] map[a:1 b:2] <nil>"],
  ["{{.Absent}}", "<no value>"],
  ["{{.Absent.Deeper}}", "<no value>"],
  ["{{if .Running}}yes{{else}}no{{end}}", "yes"],
  ["{{if .Nothing}}a{{else if eq .Count 3}}b{{else}}c{{end}}", "b"],
  ["{{range .Ports}}<{{.}}>{{end}}", "<80><443>"],
  ["{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"],
  ["{{range $i, $p := .Ports}}{{if $i}},{{end}}{{$p}}{{end}}", "80,443"],
  ["{{range .Nothing}}x{{else}}none{{end}}", "none"],
  ['{{range .Ports}}{{if eq . "443"}}{{break}}{{end}}{{.}}{{end}}', "80"],
  ['{{range .Ports}}{{if eq . "80"}}{{continue}}{{end}}{{.}}{{end}}', "443"],
  ["{{with .Net.bridge}}{{.IP}} of {{$.Name}}{{end}}", "172.17.0.2 of web"],
  ['{{$x := .Name}}{{$x}}{{$x = "db"}}{{$x}}', "webdb"],
  ["{{json .Ports}}", '["80","443"]'],
  ["{{json .}}", JSON.stringify(data)],
  ['{{.Name | upper | printf "%s!"}}', "WEB!"],
  [
    '{{printf "%-5s|%5s|%q|%d|%05d|%.1f" .Name .Name .Name .Count .Count 1.26}}',
    'web  |  web|"web"|3|00003|1.3',
  ],
  ['{{index .Ports 1}} {{index .Labels "b"}} {{(index .Net "bridge").IP}}', "443 2 172.17.0.2"],
  ["{{len .Ports}} {{slice .Name 1 2}}", "2 e"],
  ['{{join .Ports "-"}} {{split "a,b" ","}}', "80-443 [a b]"],
  [
    '{{title "hello big world"}} {{lower "ABC"}} [{{pad .Name 1 2}}] {{truncate .Name 2}}',
    "Hello Big World abc [ web  ] we",
  ],
  ['{{and .Running .Name}} {{or .Nothing "x"}} {{not .Running}}', "web x false"],
  ['{{ne .Name "db"}} {{lt .Count 4}} {{ge .Count 4}}', "true true false"],
  ['a {{- " b " -}} c', "a b c"],
  ["{{/* a comment */}}x", "x"],
  ["{{println .Name}}", "web\n"],
  ['{{print 1 2 "a" 3}}', "1 2a3"],
  ['{{`raw\\n`}}{{"tab\\t"}}', "raw\\ntab\t"],
  ["{{'a'}}", "97"],
];
for (const [source, wanted] of rows)
  test(`template ${source}`, () => assert.equal(compileTemplate(source).execute(data), wanted));

const syntaxErrors: readonly (readonly [string, string])[] = [
  ["{{.Foo", "template: :1: unclosed action"],
  ["{{foo}}", 'template: :1: function "foo" not defined'],
  ["{{if .A}}x", "template: :1: unexpected EOF"],
  ["{{end}}", "template: :1: unexpected {{end}}"],
  ["{{$x}}", 'template: :1: undefined variable "$x"'],
  ["{{}}", "template: :1: missing value for command"],
  ['{{"a}}', "template: :1: unterminated quoted string"],
];
for (const [source, message] of syntaxErrors)
  test(`template ${source} is refused`, () => assert.throws(() => compileTemplate(source), { message }));

test("an unknown field of a struct is an error that names type and place", () => {
  const struct = new Struct("*formatter.ContainerContext", { ID: "1" });
  assert.throws(() => compileTemplate("{{.Foo}}").execute(struct), {
    message: `template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *formatter.ContainerContext`,
  });
});

test("a key that a map lacks is an error if told so", () => {
  assert.throws(() => compileTemplate("{{.Foo}}", { missingKey: "error" }).execute({}), {
    message: `template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"`,
  });
});

test("a method of a struct takes arguments", () => {
  const struct = new Struct("T", { Label: (name: unknown) => `label ${String(name)}`, Twice: () => "tt" });
  assert.equal(
    compileTemplate('{{.Label "x"}} {{.Twice}} {{"y" | .Label}}').execute(struct),
    "label x tt label y",
  );
});

test("an integer beyond 2^53 is an integer like others", () => {
  const template = compileTemplate('{{.}} {{printf "%T" .}}');
  assert.equal(template.execute(9223372036854775807n), "9223372036854775807 int");
});
