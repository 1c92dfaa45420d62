// The query editor: CodeMirror round the form's textarea, with what this store holds to propose and the engine's errors.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { linter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { SparqlLanguage } from "codemirror-lang-sparql";
import { KEYWORDS, propose } from "./_completion.js";
import { tidied } from "./_tidy.js";

const field = document.getElementById("query");
const form = document.getElementById("query-form");
const words = field.dataset;

// Colours are the theme's, so that they keep their contrast in the dark.
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--ds-color-accent-text-subtle)", fontWeight: "600" },
  { tag: [tags.variableName, tags.special(tags.variableName)], color: "var(--ds-color-info-text-subtle)" },
  { tag: [tags.string, tags.literal], color: "var(--ds-color-success-text-subtle)" },
  { tag: [tags.number, tags.bool], color: "var(--ds-color-warning-text-subtle)" },
  { tag: tags.comment, color: "var(--ds-color-neutral-text-subtle)", fontStyle: "italic" },
  { tag: [tags.url, tags.namespace], color: "var(--ds-color-info-text-default)" },
]);
const look = EditorView.theme({
  "&": { fontSize: "0.95rem", backgroundColor: "transparent", color: "var(--ds-color-neutral-text-default)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", minHeight: "18rem", maxHeight: "60vh" },
  ".cm-content": { caretColor: "var(--ds-color-neutral-text-default)" },
  ".cm-cursor": { borderLeftColor: "var(--ds-color-neutral-text-default)" },
  "&.cm-focused": { outline: "none" },
  ".cm-gutters": { backgroundColor: "var(--ds-color-neutral-background-tinted)", color: "var(--ds-color-neutral-text-subtle)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--ds-color-accent-surface-tinted) 45%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--ds-color-accent-surface-active) !important" },
  ".cm-tooltip": { backgroundColor: "var(--ds-color-neutral-surface-default)", color: "var(--ds-color-neutral-text-default)", border: "1px solid var(--ds-color-neutral-border-default)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--ds-color-accent-base-default)", color: "var(--ds-color-accent-base-contrast-default)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "1" },
  ".cm-matchingBracket": { backgroundColor: "var(--ds-color-accent-surface-active) !important" },
});

// What is typed over a selection is set by us: the browser would give it an inline style, which the policy refuses.
const plainReplacement = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.isComposing || !event.data || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type" });
    return true;
  },
});

let known = { prefixes: {}, classes: [], properties: [] };
fetch(words.hints).then((answer) => (answer.ok ? answer.json() : known)).then((found) => { known = found; }).catch(() => {});

function mark(doc, message, problem) {
  const line = doc.line(Math.min(problem.line ?? 1, doc.lines));
  const from = Math.min(line.from + Math.max((problem.column ?? 1) - 1, 0), line.to);
  return { from: from === line.to && from > line.from ? from - 1 : from, to: line.to, severity: "error", message };
}

async function check(view) {
  const text = view.state.doc.toString();
  if (!text.trim()) return [];
  try {
    const answer = await fetch(words.check, { method: "POST", body: text, headers: { "Content-Type": "application/sparql-query" } });
    const said = answer.ok ? await answer.json() : { valid: true };
    return said.valid ? [] : [mark(view.state.doc, said.message, said.problem)];
  } catch {
    return [];
  }
}

function run() {
  field.value = view.state.doc.toString();
  form.requestSubmit();
  return true;
}

const place = document.createElement("div");
place.className = "editor";
const view = new EditorView({
  parent: place,
  state: EditorState.create({
    doc: field.value,
    extensions: [
      EditorView.cspNonce.of(words.nonce),
      Prec.highest(keymap.of([{ key: "Mod-Enter", run }, { key: "Ctrl-Enter", run }])),
      lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(),
      SparqlLanguage, syntaxHighlighting(colours), look, EditorView.lineWrapping,
      autocompletion({ override: [(context) => propose(context, known, words, KEYWORDS)], icons: false }),
      linter(check, { delay: 600 }),
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
      plainReplacement,
      EditorView.contentAttributes.of({ tabindex: "0", "aria-labelledby": "query-label", "aria-describedby": "query-hint", spellcheck: "false" }),
    ],
  }),
});
field.before(place);
field.hidden = true;
document.getElementById("query-label").addEventListener("click", () => view.focus());
form.addEventListener("submit", () => {
  field.value = view.state.doc.toString();
  // A long query does not fit in an address, so it is posted; its answer then has no link.
  form.method = field.value.length > 4000 ? "post" : "get";
});
if (words.line) {
  const problem = { line: Number(words.line), column: Number(words.column) };
  view.dispatch(setDiagnostics(view.state, [mark(view.state.doc, words.message, problem)]));
  const at = mark(view.state.doc, "", problem).from;
  document.querySelector("#problem a")?.addEventListener("click", (event) => {
    event.preventDefault();
    view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
    view.focus();
  });
}
const tidy = document.getElementById("tidy");
tidy.hidden = false;
tidy.addEventListener("click", () => {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: tidied(view.state.doc.toString()) } });
});
