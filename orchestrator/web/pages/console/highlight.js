// Enough colour to read a file by: comments, strings, numbers and words that most languages share.
import { el, shown } from "./dom.js";

const LONGEST = 100_000;
const WORDS = "as|async|await|break|case|catch|class|const|continue|def|default|del|elif|else|except|export|extends|False|finally|for|from|function|if|import|in|is|let|new|None|not|null|or|pass|raise|return|switch|this|throw|True|true|false|try|type|var|while|with|yield";
const HASHES = /\.(py|sh|toml|ya?ml|rb|cfg|ini)$|(^|\/)(Makefile|Dockerfile|Procfile|\.env.*)$/;
const MARKUP = /\.(html?|xml|svg|md)$/;

/** What is not closed is passed over once, not from each of its characters on: an open comment lasts to the end, and an
 * escape outside of a string begins none. Else a file of them would hold the page up for seconds. */
function pattern(path) {
  const strings = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/.source;
  if (MARKUP.test(path)) return new RegExp(`(<!--[^]*?(?:-->|$))|(${strings})|()(</?[A-Za-z][\\w-]*|/?>)|\\\\.`, "g");
  const comments = HASHES.test(path) ? "#[^\\n]*" : "//[^\\n]*|/\\*[^]*?(?:\\*/|$)";
  return new RegExp(`(${comments})|(${strings}|\`(?:\\\\.|[^\`\\\\])*\`)|(\\b\\d[\\w.]*\\b)|(\\b(?:${WORDS})\\b)|\\\\.`, "g");
}

const NAMES = ["comment", "string", "number", "word"];

/** A `pre` with the file's text, coloured where it is not too long. */
export function highlighted(path, text) {
  const pre = el("pre.code", { tabindex: "0" });
  if (text.length > LONGEST) {
    pre.append(shown(text));
    return pre;
  }
  let from = 0;
  for (const match of text.matchAll(pattern(path))) {
    const kind = match.slice(1, 5).findIndex((group) => group);
    if (kind < 0) continue;
    pre.append(shown(text.slice(from, match.index)), el(`span.${NAMES[kind]}`, {}, match[0]));
    from = match.index + match[0].length;
  }
  pre.append(shown(text.slice(from)));
  return pre;
}
