import { type ApiError, validationFailed } from '../../errors/index.ts'

/** A key of a file of secrets with its value; undefined for one that is no text. */
export interface Entry {
  readonly key: string
  readonly value: string | undefined
}

/** The 400 for a file that cannot be read. The detail must not repeat the file: it holds secrets (ID-207). */
export function unreadable(detail: string): ApiError {
  return validationFailed([{ field: 'content', detail }])
}
