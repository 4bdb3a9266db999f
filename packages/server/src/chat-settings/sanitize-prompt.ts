import { badRequest } from '../errors/index.ts'

/** Bytes of a prompt after sanitizing (CH-5.1). */
const MAX_PROMPT_BYTES = 131_072

const NEWLINES = /\r\n?|[\u0085\u2028\u2029]/g
/** What nobody sees and a model reads: formatting characters, what fonts leave out, and control characters. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]|(?![\n\t])\p{Cc}/gu
const MANY_NEWLINES = /\n{3,}/g

/** A prompt as it is stored: what a reader sees is what the model gets (CH-509). */
function sanitizePrompt(text: string): string {
  return text.replace(NEWLINES, '\n').replace(INVISIBLE, '').replace(MANY_NEWLINES, '\n\n').trim()
}

/**
 * Sanitizes a prompt that somebody gives.
 *
 * @param field name of it in the request.
 * @throws ApiError 400 when it is too long even so.
 */
export function sanitizedPrompt(text: string, field: string): string {
  const prompt = sanitizePrompt(text)
  const bytes = Buffer.byteLength(prompt)
  if (bytes <= MAX_PROMPT_BYTES) return prompt
  throw badRequest(`${field} exceeds the maximum size.`, {
    detail: `It has ${bytes} bytes; at most ${MAX_PROMPT_BYTES} are kept.`,
    validations: [{ field, detail: `must have at most ${MAX_PROMPT_BYTES} bytes` }],
  })
}
