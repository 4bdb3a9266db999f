import { ApiError } from '../errors/index.ts'

/** A sign-in that is refused, told to a person on a page of its own (ID-9, ID-162…ID-164, ID-168). */
export class SignInRefused extends ApiError {
  /** Whether the explanation is Markdown. */
  readonly isMarkdown: boolean

  constructor(status: number, title: string, explanation: string, isMarkdown = false) {
    super(status, title, { detail: explanation })
    this.isMarkdown = isMarkdown
  }
}

/** Somebody whom GitHub knows and who may not sign in here (ID-172). */
export class GithubRefused extends ApiError {
  readonly explanation: string
  /** Where the person was going, for the next try. */
  redirect = '/'

  constructor(explanation: string) {
    super(401, 'Unauthorized', { detail: explanation })
    this.explanation = explanation
  }
}
