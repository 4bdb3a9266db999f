/**
 * Makes a value stand in Markdown as the text that it is, on one line: nothing of it becomes a link, either, so that
 * nobody leads others astray by the name of something.
 */
export function escapeMarkdown(text: string): string {
  return (
    text
      .replace(/\s+/g, ' ')
      .replace(/[\\`*_[\]<>&#~|!@]/g, '\\$&')
      // What makes a list, at the beginning of a line.
      .replace(/^( ?)([-+=])(?=[-= ]|$)/, '$1\\$2')
      .replace(/^( ?\d+)([.)])(?= |$)/, '$1\\$2')
      .replace(/:(?=\/\/)/g, '\\:')
      .replace(/(?<=www)\./gi, '\\.')
  )
}

/** Makes a text stand in HTML, also within an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** An address that may be linked to; undefined for one that a browser would run. */
export function safeHref(href: string): string | undefined {
  return /^(?:https?:|mailto:)/i.test(href) ? href : undefined
}
