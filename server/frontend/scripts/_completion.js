// What can be written where the cursor stands: keywords, variables of this query, prefixes, classes and properties.
export const KEYWORDS = ["SELECT", "DISTINCT", "WHERE", "OPTIONAL", "FILTER", "UNION", "MINUS", "GRAPH", "BIND", "VALUES", "AS",
  "GROUP BY", "HAVING", "ORDER BY", "DESC", "ASC", "LIMIT", "OFFSET", "ASK", "CONSTRUCT", "DESCRIBE", "FROM", "FROM NAMED", "PREFIX",
  "COUNT", "SUM", "AVG", "MIN", "MAX", "SAMPLE", "GROUP_CONCAT", "STR", "LANG", "LANGMATCHES", "DATATYPE", "BOUND", "COALESCE", "IF",
  "CONTAINS", "STRSTARTS", "STRENDS", "REGEX", "REPLACE", "LCASE", "UCASE", "YEAR", "MONTH", "DAY", "NOW", "ROUND", "EXISTS",
  "NOT EXISTS", "IN"];
const MOST = 60;

export function propose(context, known, words, keywords) {
  const typed = context.matchBefore(/[?$]?[\p{L}\p{N}_:-]*/u);
  if (!typed || (typed.from === typed.to && !context.explicit)) return null;
  const text = typed.text.toLowerCase();
  const before = context.state.sliceDoc(Math.max(0, typed.from - 40), typed.from);
  if (/[<"'#][^>"'\n]*$/.test(before)) return null;
  if (/^[?$]/.test(text)) return result(typed, variables(context, typed).map((name) => ({ label: name, detail: words.variable })));
  const afterType = /(\ba|rdf:type)\s+$/.test(before);
  const terms = afterType ? known.classes : [...known.properties, ...known.classes];
  const options = terms
    .filter((term) => term.curie !== term.iri && fits(term, text))
    .slice(0, MOST)
    .map((term) => ({
      label: term.curie,
      detail: `${term.label} (${term.count.toLocaleString(document.documentElement.lang)})`,
      apply: (view, completion, from, to) => insert(view, term.curie, from, to, known.prefixes),
    }));
  if (!afterType && !text.includes(":")) {
    options.push(...keywords.filter((word) => word.toLowerCase().startsWith(text)).map((label) => ({ label, detail: words.keyword })));
    options.push(...Object.keys(known.prefixes).filter((name) => name.startsWith(text)).map((name) => ({ label: `${name}:`, detail: words.prefix })));
  }
  return result(typed, options);
}

function result(typed, options) {
  return options.length ? { from: typed.from, options, filter: false } : null;
}

// Found by prefix and name, or by what the term is called: "skola" finds torg:School.
function fits(term, text) {
  return term.curie.toLowerCase().startsWith(text) || term.label.toLowerCase().includes(text) || term.curie.toLowerCase().split(":")[1].startsWith(text);
}

function variables(context, typed) {
  const found = context.state.doc.toString().match(/[?$][\p{L}\p{N}_]+/gu) ?? [];
  return [...new Set(found)].filter((name) => name.startsWith(typed.text) && name !== typed.text).sort();
}

// The term, and its prefix declared at the top when it is not yet: the query then runs anywhere.
function insert(view, curie, from, to, prefixes) {
  const name = curie.split(":")[0];
  const declared = new RegExp(`PREFIX\\s+${name}:`, "i").test(view.state.doc.toString());
  const line = declared || !prefixes[name] ? "" : `PREFIX ${name}: <${prefixes[name]}>\n`;
  view.dispatch({
    changes: [{ from: 0, insert: line }, { from, to, insert: curie }],
    selection: { anchor: line.length + from + curie.length },
    userEvent: "input.complete",
  });
}
