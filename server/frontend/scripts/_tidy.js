// Indents a query by its braces; what stands on a line is left as it is.
export function tidied(text) {
  let depth = 0;
  const lines = text.split("\n").map((line) => {
    const bare = line.trim();
    // Braces in texts, addresses and comments do not count.
    const code = bare.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|<[^>\s]*>|#.*$/g, "");
    const closing = (code.match(/^[})\]\s]+/)?.[0].match(/[})\]]/g) ?? []).length;
    const at = Math.max(0, depth - closing);
    depth = Math.max(0, depth + (code.match(/[{([]/g) ?? []).length - (code.match(/[})\]]/g) ?? []).length);
    return bare ? "  ".repeat(at) + bare : "";
  });
  return `${lines.join("\n").replace(/\n{3,}/g, "\n\n").trimEnd()}\n`;
}
