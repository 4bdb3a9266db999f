import { Marked, type Token, type Tokens } from 'marked'

import { escapeHtml, safeHref } from './escape.ts'

const html = new Marked({
  gfm: true,
  renderer: {
    // Markup of whoever wrote it is text; images are not fetched for a message.
    html: ({ text }) => escapeHtml(text),
    image: ({ text }) => escapeHtml(text),
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens)
      const safe = safeHref(href)
      return safe === undefined ? inner : `<a href="${escapeHtml(safe)}">${inner}</a>`
    },
  },
})

/** Markdown as HTML without anything that runs or is fetched. */
export function markdownToHtml(markdown: string): string {
  return html.parse(markdown, { async: false })
}

/** Markdown as people read it without a renderer. */
export function markdownToText(markdown: string): string {
  return blocks(html.lexer(markdown)).trim()
}

function blocks(tokens: readonly Token[]): string {
  return tokens.map(block).filter(Boolean).join('\n\n')
}

function block(token: Token): string {
  if (isList(token))
    return token.items
      .map((item, index) => {
        const mark = token.ordered ? `${Number(token.start || 1) + index}.` : '-'
        return `${mark} ${blocks(item.tokens).replaceAll('\n', '\n  ')}`
      })
      .join('\n')
  if (token.type === 'blockquote') return blocks(token.tokens ?? []).replace(/^/gm, '> ')
  if (token.type === 'space' || token.type === 'def') return ''
  if (token.type === 'hr') return '---'
  if (token.type === 'table') return token.raw.trim()
  return inline(token)
}

function isList(token: Token): token is Tokens.List {
  return token.type === 'list' && 'items' in token
}

function inline(token: Token): string {
  if (token.type === 'br') return '\n'
  const inner =
    'tokens' in token && token.tokens !== undefined
      ? token.tokens.map(inline).join('')
      : 'text' in token && typeof token.text === 'string'
        ? token.text
        : token.raw
  if (token.type !== 'link') return inner
  return inner === token.href ? inner : `${inner} (${token.href})`
}
