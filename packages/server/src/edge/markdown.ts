const SPAN =
  /`(?<code>[^`]+)`|\[(?<label>[^[\]]+)\]\((?<href>(?:https?:\/\/|mailto:)[^\s()]+)\)|\*\*(?<strong>[^*]+)\*\*|\*(?<em>[^*]+)\*|(?<!\w)_(?<underlined>[^_]+)_(?!\w)/g

/**
 * Short Markdown as HTML: paragraphs, emphasis, code, and links to web and mail addresses. Everything else is text, HTML
 * too.
 */
export function renderMarkdown(source: string): string {
  return source
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => `<p>${spansOf(paragraph)}</p>`)
    .join('\n')
}

function spansOf(text: string): string {
  let html = ''
  let at = 0
  for (const { 0: whole, index, groups = {} } of text.matchAll(SPAN)) {
    html += escapeHtml(text.slice(at, index)) + spanOf(groups)
    at = index + whole.length
  }
  return html + escapeHtml(text.slice(at))
}

function spanOf({ code, label, href, strong, em, underlined }: Record<string, string | undefined>): string {
  if (href !== undefined) return `<a href="${escapeHtml(href)}" rel="noreferrer">${spansOf(label ?? '')}</a>`
  if (strong !== undefined) return `<strong>${spansOf(strong)}</strong>`
  if (code !== undefined) return `<code>${escapeHtml(code)}</code>`
  return `<em>${spansOf(em ?? underlined ?? '')}</em>`
}

/** Text as it stands in HTML, between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
