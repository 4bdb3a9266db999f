import type { FastifyReply, FastifyRequest } from 'fastify'

/** A failure of an app request, shown to a person in a browser. */
export class AppPageError extends Error {
  override readonly name = 'AppPageError'
  readonly status: number
  readonly title: string
  /** What the visitor can do about it, beside trying again. */
  readonly next: NextStep | undefined

  constructor(status: number, title: string, message: string, next?: NextStep) {
    super(message)
    this.status = status
    this.title = title
    this.next = next
  }
}

/** A link of an error page. */
export interface NextStep {
  readonly label: string
  readonly href: string
}

/** Answers with the failure as the client wants to read it: programs that ask for JSON get JSON (AC-305). */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: AppPageError): void {
  const accept = request.headers.accept ?? ''
  if (!accept.includes('text/html') && /\bapplication\/json\b/i.test(accept))
    void reply
      .code(error.status)
      .header('Cache-Control', 'no-store')
      .send({ message: `${error.title}: ${error.message}` })
  else sendErrorPage(reply, error)
}

/** Answers with a plain page: it works without scripts, because the app's host has none of ours. */
function sendErrorPage(reply: FastifyReply, error: AppPageError): void {
  reply
    .code(error.status)
    .header(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    )
    .header('Cache-Control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page(error))
}

function page(error: AppPageError): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(error.title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-content: center; padding: 24px; }
main { max-width: 420px; }
h1 { font-size: 20px; margin: 0 0 8px; }
p { margin: 0 0 16px; }
</style>
<main>
<h1>${escapeHtml(error.title)}</h1>
<p>${escapeHtml(error.message)}</p>
<p>${error.next === undefined ? '' : `<a href="${escapeHtml(error.next.href)}">${escapeHtml(error.next.label)}</a> · `}<a href="">Try again</a></p>
</main>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
