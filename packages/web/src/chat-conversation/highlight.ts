/** What a piece of code is, for its colour. */
export type CodeKind = 'plain' | 'comment' | 'string' | 'number' | 'keyword'

interface CodeSpan {
  readonly kind: CodeKind
  readonly text: string
}

/** Longer code shows in one colour: colours are not worth a pause. */
const MAX_CHARACTERS = 30_000

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
const NONE = new Set([
  '',
  'text',
  'txt',
  'plain',
  'plaintext',
  'markdown',
  'md',
  'html',
  'xml',
  'svg',
  'log',
  'output',
])

const STRING = /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/
const NUMBER = /\b(?:0[xb][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b/
const WORD = /[A-Za-z_$][\w$]*/

/** Comments, strings, numbers and keywords of code in most languages; everything plain where that is no help. */
export function highlight(code: string, language: string): readonly CodeSpan[] {
  const name = language.toLowerCase()
  if (NONE.has(name) || code.length > MAX_CHARACTERS) return [{ kind: 'plain', text: code }]
  if (name === 'diff' || name === 'patch') return [{ kind: 'plain', text: code }]
  const comment = HASH_COMMENTS.has(name)
    ? /#[^\n]*/
    : DASH_COMMENTS.has(name)
      ? /--[^\n]*/
      : /\/\/[^\n]*|\/\*[\s\S]*?\*\//
  const pattern = new RegExp(
    `(${comment.source})|(${STRING.source})|(${NUMBER.source})|(${WORD.source})`,
    'g',
  )
  const spans: CodeSpan[] = []
  const add = (kind: CodeKind, text: string) => {
    const last = spans.at(-1)
    if (text === '') return
    if (last?.kind === kind) spans[spans.length - 1] = { kind, text: last.text + text }
    else spans.push({ kind, text })
  }
  let at = 0
  for (const match of code.matchAll(pattern)) {
    add('plain', code.slice(at, match.index))
    const [whole, isComment, isString, isNumber] = match
    at = match.index + whole.length
    add(
      isComment !== undefined
        ? 'comment'
        : isString !== undefined
          ? 'string'
          : isNumber !== undefined
            ? 'number'
            : KEYWORDS.has(whole)
              ? 'keyword'
              : 'plain',
      whole,
    )
  }
  add('plain', code.slice(at))
  return spans
}
