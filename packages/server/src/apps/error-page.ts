import type { FastifyReply, FastifyRequest } from 'fastify'

import { type NextStep, sendErrorPage } from '../edge/index.ts'

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

/**
 * Answers with the failure as the client wants to read it: programs that ask for JSON get JSON (AC-305).
 *
 * @param dashboard where the dashboard is: it shows apps in frames, and why one of them does not answer (UI-1145).
 */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: AppPageError,
  dashboard: string,
): void {
  const accept = request.headers.accept ?? ''
  if (!accept.includes('text/html') && /\bapplication\/json\b/i.test(accept))
    void reply
      .code(error.status)
      .header('Cache-Control', 'no-store')
      .send({ message: `${error.title}: ${error.message}` })
  else {
    const { status, title, message, next = { label: 'Go to the dashboard', href: dashboard } } = error
    sendErrorPage(reply, { status, title, message, next, framedBy: new URL(dashboard).origin })
  }
}
