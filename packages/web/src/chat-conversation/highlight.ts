/** What a piece of code is, for its colour; what is none of these stays plain. */
export const CODE_KINDS = ['comment', 'string', 'number', 'keyword', 'name', 'added', 'removed'] as const
export type CodeKind = (typeof CODE_KINDS)[number]

/** Of each coloured piece where it starts, where it ends, and the place of its kind in `CODE_KINDS`. */
export type Colours = Uint32Array<ArrayBuffer>

/** Numbers for one piece in `Colours`. */
export const PIECE = 3
export const NO_COLOURS: Colours = new Uint32Array()

/** Longer code stays plain: colours would come too late to be of use. */
export const MAX_CHARACTERS = 2_000_000

const WORDS =
  'abstract and as assert async await begin break case catch class const continue debugger def default defer del delete do done elif else elseif end enum esac except export extends extern false fi final finally fn for from func function global go goto if impl implements import in instanceof interface is lambda let local loop match mod module mut namespace new nil none None not null nullptr of or override package pass private protected pub public raise readonly return self Self sizeof static struct super switch template then this throw throws trait true True False try type typedef typeof undefined union unless unsafe until use using val var void when where while with yield select SELECT FROM WHERE INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE JOIN LEFT ON AND OR NOT NULL ORDER BY GROUP LIMIT'
const KEYWORDS = new Set(WORDS.split(' '))

const HASH_COMMENTS = new Set(
  'sh bash zsh shell console py python rb ruby yaml yml toml tf hcl terraform dockerfile make makefile r perl pl elixir ini conf nix'.split(
    ' ',
  ),
)
const DASH_COMMENTS = new Set(['sql', 'lua', 'hs', 'haskell', 'elm'])
/** Languages where colours of this kind would be wrong more often than right. */
const NONE = new Set(['', 'text', 'txt', 'plain', 'plaintext', 'markdown', 'md', 'log', 'output'])

const STRING = /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/
const NUMBER = /\b(?:0[xb][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b/
const WORD = /[A-Za-z_$][\w$]*/
const MARKUP_LANGUAGES = new Set(['html', 'htm', 'xml', 'svg', 'vue', 'xhtml'])
/** Comments, strings of attributes, tags with their brackets, names of attributes. */
const MARKUP = /(<!--[\s\S]*?-->)|("[^"<>]*"|'[^'<>]*')|(<\/?[A-Za-z][\w:.-]*|\/?>)|([\w:@.-]+(?==["']))/g
const JSON_LANGUAGES = new Set(['json', 'jsonc', 'json5'])
/** A string that a colon follows is the name of a member. */
const JSON_NAME = /"(?:\\.|[^"\\\n])*"(?=\s*:)/

/** Comments, strings, numbers, keywords and names in code of most languages; nothing where that is no help. */
export function highlight(code: string, language: string): Colours {
  const name = language.toLowerCase()
  if (NONE.has(name) || code.length > MAX_CHARACTERS) return NO_COLOURS
  const pieces: number[] = []
  const add = (kind: CodeKind, from: number, until: number) => {
    const number = CODE_KINDS.indexOf(kind)
    // What touches and looks the same is one piece.
    if (pieces.at(-1) === number && pieces.at(-2) === from) pieces[pieces.length - 2] = until
    else if (until > from) pieces.push(from, until, number)
  }
  if (name === 'diff' || name === 'patch') ofDiff(code, add)
  else if (MARKUP_LANGUAGES.has(name)) ofMarkup(code, add)
  else ofCode(code, name, add)
  return new Uint32Array(pieces)
}

type Add = (kind: CodeKind, from: number, until: number) => void

function ofDiff(code: string, add: Add): void {
  for (const { 0: line, index } of code.matchAll(/^[-+@].*$/gm)) {
    const end = index + line.length
    if (line.startsWith('@@')) add('comment', index, end)
    else if (/^(?:\+\+\+|---) /.test(line)) add('keyword', index, end)
    else if (line.startsWith('+')) add('added', index, end)
    else if (line.startsWith('-')) add('removed', index, end)
  }
}

function ofMarkup(code: string, add: Add): void {
  for (const match of code.matchAll(MARKUP)) {
    const [whole, isComment, isString, isTag] = match
    const kind =
      isComment !== undefined
        ? 'comment'
        : isString !== undefined
          ? 'string'
          : isTag !== undefined
            ? 'keyword'
            : 'name'
    add(kind, match.index, match.index + whole.length)
  }
}

function ofCode(code: string, language: string, add: Add): void {
  const comment = HASH_COMMENTS.has(language)
    ? /#[^\n]*/
    : DASH_COMMENTS.has(language)
      ? /--[^\n]*/
      : /\/\/[^\n]*|\/\*[\s\S]*?\*\//
  const member = JSON_LANGUAGES.has(language) ? JSON_NAME : /(?!)/
  const pattern = new RegExp(
    `(${comment.source})|(${member.source})|(${STRING.source})|(${NUMBER.source})|${WORD.source}`,
    'g',
  )
  for (const match of code.matchAll(pattern)) {
    const [whole, isComment, isName, isString, isNumber] = match
    const end = match.index + whole.length
    if (isComment !== undefined) add('comment', match.index, end)
    else if (isName !== undefined) add('name', match.index, end)
    else if (isString !== undefined) add('string', match.index, end)
    else if (isNumber !== undefined) add('number', match.index, end)
    else if (KEYWORDS.has(whole)) add('keyword', match.index, end)
  }
}

/** What of a part of the code has which colour, in order, the plain pieces too. */
export function piecesOf(
  code: string,
  colours: Colours,
  from: number,
  until: number,
): readonly { readonly kind: CodeKind | undefined; readonly text: string }[] {
  const pieces: { readonly kind: CodeKind | undefined; readonly text: string }[] = []
  const add = (kind: CodeKind | undefined, start: number, end: number) => {
    if (end > start) pieces.push({ kind, text: code.slice(start, end) })
  }
  let at = from
  for (let i = firstAfter(colours, from); i < colours.length; i += PIECE) {
    const start = Math.max(colours[i] ?? until, from)
    if (start >= until) break
    const end = Math.min(colours[i + 1] ?? until, until)
    add(undefined, at, start)
    add(CODE_KINDS[colours[i + 2] ?? -1], start, end)
    at = end
  }
  add(undefined, at, until)
  return pieces
}

/** Where the first piece is that ends behind a place. */
function firstAfter(colours: Colours, place: number): number {
  let low = 0
  let high = colours.length / PIECE
  while (low < high) {
    const middle = (low + high) >> 1
    if ((colours[middle * PIECE + 1] ?? 0) > place) high = middle
    else low = middle + 1
  }
  return low * PIECE
}
