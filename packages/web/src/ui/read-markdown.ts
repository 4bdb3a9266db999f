import { marked, type Token } from 'marked'

/** More marks of emphasis in one block take the parser time that grows with their square. */
const MOST_MARKS = 4000
/** Deeper quotes and lists are no text that anybody wrote (UI-2003). */
const TOO_DEEP = /^(?:[ \t]*(?:>|(?:[*+-]|\d{1,9}[.)])[ \t])){65}|^[ \t]{256,}(?:[>*+-]|\d)/m
const FENCED = /^ {0,3}(```|~~~)[\s\S]*?(?:^ {0,3}\1|$(?![\s\S]))/gm

/** The tokens of a Markdown text; text that would stop the parser or the page is one token of plain text (UI-2003). */
export function readMarkdown(text: string): Token[] {
  if (!isCostly(text)) {
    try {
      return marked.lexer(text)
    } catch (error) {
      // The parser calls itself for everything that is nested.
      if (!(error instanceof RangeError)) throw error
    }
  }
  return [{ type: 'plain', raw: text }]
}

function isCostly(text: string): boolean {
  if (text.length < 130) return false
  const outside = text.replace(FENCED, '')
  if (TOO_DEEP.test(outside)) return true
  return (
    outside.length > MOST_MARKS &&
    outside.split(/\n[ \t]*\n/).some((block) => (block.match(/[*_~]/g)?.length ?? 0) > MOST_MARKS)
  )
}
