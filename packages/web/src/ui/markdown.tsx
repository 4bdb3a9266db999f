// biome-ignore-all lint/suspicious/noArrayIndexKey: tokens of one text have no identity but their place in it.
import type { Token, Tokens } from 'marked'
import { type ComponentType, createContext, type ReactNode, useContext, useMemo } from 'react'

import { classNames } from './class-names.ts'
import { MarkdownImage } from './markdown-image.tsx'
import { readMarkdown } from './read-markdown.ts'
import { SafeLink } from './safe-link.tsx'

const MAX_CHARACTERS = 1_048_576
const MAX_DEPTH = 64

interface CodeProps {
  readonly text: string
  /** As the author wrote it behind the fence; may be empty. */
  readonly language: string
}

/** How code shows: plain, unless a place has a look of its own for it. */
export const MarkdownCode = createContext<ComponentType<CodeProps>>(PlainCode)

/**
 * Markdown of a template's author, from its parse tree to elements: no HTML string is ever made, and raw HTML
 * shows as the text that it is (UI-2003).
 */
export function Markdown({
  text,
  size = 'regular',
}: {
  readonly text: string
  readonly size?: 'regular' | 'small'
}) {
  const tokens = useMemo(() => readMarkdown(withoutFrontMatter(text.slice(0, MAX_CHARACTERS))), [text])
  return (
    <div
      className={classNames(
        'flex min-w-0 flex-col',
        size === 'regular' ? 'max-w-[76ch] gap-3 text-base leading-relaxed' : 'gap-1',
      )}
    >
      {blocks(tokens, 0)}
    </div>
  )
}

/** Template READMEs begin with YAML between `---` lines, meant for registries. */
function withoutFrontMatter(text: string): string {
  return text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, '')
}

const HEADINGS = [
  'mt-2 text-xl font-semibold',
  'mt-3 border-b border-line pb-1 text-lg font-semibold',
  'mt-2 text-base font-semibold',
  'text-base font-medium',
  'text-sm font-medium',
  'text-sm font-medium text-ink-2',
]

function blocks(tokens: readonly Token[], depth: number): ReactNode[] {
  return tokens.map((token, index) => <Block key={`${index}:${token.type}`} token={token} depth={depth} />)
}

function Block({ token, depth }: { readonly token: Token; readonly depth: number }): ReactNode {
  if (depth > MAX_DEPTH) return token.raw
  switch (token.type) {
    case 'space':
    case 'def':
    // The box of a task is drawn by its list.
    case 'checkbox':
      return null
    case 'heading': {
      const { depth: level, tokens } = token as Tokens.Heading
      // The page already has its h1.
      const Tag = (['h2', 'h3', 'h4', 'h5', 'h6', 'h6'] as const)[level - 1] ?? 'h6'
      return <Tag className={HEADINGS[level - 1]}>{inline(tokens, depth + 1)}</Tag>
    }
    case 'paragraph':
      return <p>{inline((token as Tokens.Paragraph).tokens, depth + 1)}</p>
    case 'text': {
      const { tokens, text } = token as Tokens.Text
      return tokens === undefined ? text : inline(tokens, depth + 1)
    }
    case 'code': {
      const { text, lang } = token as Tokens.Code
      return <Code text={text} language={lang?.split(/\s/)[0] ?? ''} />
    }
    case 'blockquote':
      return (
        <blockquote className="flex flex-col gap-2 border-l-2 border-line-strong pl-3 text-ink-2">
          {blocks((token as Tokens.Blockquote).tokens, depth + 1)}
        </blockquote>
      )
    case 'list': {
      const { ordered, start, items } = token as Tokens.List
      const entries = items.map((item, index) => (
        <li
          key={`${index}:${item.raw.slice(0, 24)}`}
          className={item.task ? '-ml-5 flex list-none items-baseline gap-2' : undefined}
        >
          {item.task ? (
            <input
              type="checkbox"
              checked={item.checked === true}
              aria-label={item.checked === true ? 'Done' : 'Not done'}
              readOnly
              disabled
              className="relative top-0.5 size-3.5 shrink-0 accent-(--accent)"
            />
          ) : null}
          <div className="min-w-0">{blocks(item.tokens, depth + 1)}</div>
        </li>
      ))
      return ordered ? (
        <ol start={start === '' ? 1 : start} className="flex list-decimal flex-col gap-1 pl-6">
          {entries}
        </ol>
      ) : (
        <ul className="flex list-disc flex-col gap-1 pl-5 marker:text-ink-3">{entries}</ul>
      )
    }
    case 'table': {
      const { header, rows } = token as Tokens.Table
      const aligned = (cell: Tokens.TableCell) =>
        cell.align === 'right'
          ? 'text-right tabular-nums'
          : cell.align === 'center'
            ? 'text-center'
            : 'text-left'
      return (
        <div className="overflow-x-auto">
          <table className="border-collapse text-sm">
            <thead>
              <tr>
                {header.map((cell, index) => (
                  <th
                    key={`${index}:${cell.text}`}
                    scope="col"
                    className={classNames('border border-line bg-bg px-2.5 py-1 font-medium', aligned(cell))}
                  >
                    {inline(cell.tokens, depth + 1)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, line) => (
                <tr key={`${line}:${row[0]?.text}`}>
                  {row.map((cell, index) => (
                    <td
                      key={`${index}:${cell.text}`}
                      className={classNames('border border-line px-2.5 py-1', aligned(cell))}
                    >
                      {inline(cell.tokens, depth + 1)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )
    }
    case 'hr':
      return <hr />
    default:
      return <p className="whitespace-pre-wrap">{token.raw}</p>
  }
}

function Code(props: CodeProps) {
  const Look = useContext(MarkdownCode)
  return <Look {...props} />
}

function PlainCode({ text }: CodeProps) {
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls long lines only in a focused element.
      tabIndex={0}
      className="overflow-x-auto rounded-card border border-line bg-bg px-3 py-2.5 text-sm leading-normal"
    >
      <code>{text}</code>
    </pre>
  )
}

function inline(tokens: readonly Token[] | undefined, depth: number): ReactNode[] {
  return (tokens ?? []).map((token, index) => (
    <Inline key={`${index}:${token.type}`} token={token} depth={depth} />
  ))
}

function Inline({ token, depth }: { readonly token: Token; readonly depth: number }): ReactNode {
  if (depth > MAX_DEPTH) return token.raw
  switch (token.type) {
    case 'strong':
      return <strong className="font-semibold">{inline((token as Tokens.Strong).tokens, depth + 1)}</strong>
    case 'em':
      return <em>{inline((token as Tokens.Em).tokens, depth + 1)}</em>
    case 'del':
      return <del>{inline((token as Tokens.Del).tokens, depth + 1)}</del>
    case 'codespan':
      return (
        <code className="rounded-sm border border-line bg-bg px-1 py-px">
          {(token as Tokens.Codespan).text}
        </code>
      )
    case 'br':
      return <br />
    case 'escape':
      return (token as Tokens.Escape).text
    case 'link': {
      const { href, tokens } = token as Tokens.Link
      return (
        <SafeLink href={href} text={textOf(tokens)}>
          {inline(tokens, depth + 1)}
        </SafeLink>
      )
    }
    case 'image': {
      const { href, text } = token as Tokens.Image
      return <MarkdownImage source={href} text={text} />
    }
    case 'text': {
      const { tokens, text } = token as Tokens.Text
      return tokens === undefined ? decodeEntities(text) : inline(tokens, depth + 1)
    }
    default:
      return token.raw
  }
}

/** What a reader sees of inline tokens, without marks. */
function textOf(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if ('tokens' in token && token.tokens !== undefined) return textOf(token.tokens)
      return 'text' in token ? decodeEntities(String(token.text)) : token.raw
    })
    .join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
}

function decodeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => ENTITIES[name] ?? whole)
}
