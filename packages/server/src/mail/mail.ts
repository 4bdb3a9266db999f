/** A message for one person, as text and as HTML. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** After this it is not sent any more. */
  readonly expiresAt: Date
}
