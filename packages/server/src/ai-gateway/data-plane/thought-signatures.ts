import type { ModelProvider } from '../../ai-providers/index.ts'
import { at, bodyText, list, parseJson, text } from '../wires/json.ts'
import { editElements, editMembers } from './json-members.ts'

const GOOGLE = 'generativelanguage.googleapis.com'
/** What Google documents for calls whose signature is not known, because another model has made them. */
const BYPASS = JSON.stringify('skip_thought_signature_validator')

/** Whether a provider is Google's API that speaks like OpenAI, by its address (AG-32). */
export function wantsSignatures({ baseUrl }: Pick<ModelProvider, 'baseUrl'>): boolean {
  // Hardly any is, and to read an address takes longer than to look into it.
  if (!baseUrl.includes(GOOGLE) || !URL.canParse(baseUrl)) return false
  const { hostname, pathname } = new URL(baseUrl)
  return hostname === GOOGLE && pathname.includes('/openai')
}

/**
 * A request for a chat in which each call of a tool in the current turn has a signature of the thoughts behind it: Google
 * refuses those without, and clients of OpenAI know of none (AG-32). All else stays as it is, to the byte.
 *
 * @param body must be a JSON object.
 */
export function withThoughtSignatures(body: Uint8Array): Uint8Array {
  const request = bodyText(body)
  const messages = list(at(parseJson(request), 'messages'))
  // What came before the latest words of the user is not looked at any more.
  const turn = messages.findLastIndex((message) => at(message, 'role') === 'user') + 1
  const lacking = messages.map((message, index) => index >= turn && lacksSignature(message))
  if (!lacking.includes(true)) return body
  const signed = editMembers(request, {
    messages: elements((message, index) =>
      lacking[index] === true ? editMembers(message, { tool_calls: elements(signedCall) }) : message,
    ),
  })
  return Buffer.from(signed)
}

function lacksSignature(message: unknown): boolean {
  return at(message, 'role') === 'assistant' && list(at(message, 'tool_calls')).some(isUnsigned)
}

function isUnsigned(call: unknown): boolean {
  return (
    typeof call === 'object' &&
    call !== null &&
    text(at(call, 'extra_content', 'google', 'thought_signature')) === ''
  )
}

function signedCall(call: string): string {
  if (!isUnsigned(parseJson(call))) return call
  return withMember(call, 'extra_content', (extra) =>
    withMember(extra, 'google', (google) => editMembers(google, { thought_signature: () => BYPASS })),
  )
}

/** Changes the elements of what is there, where that is an array: a name may stand in an object twice. */
function elements(change: (element: string, index: number) => string) {
  return (before = 'null'): string => (before.startsWith('[') ? editElements(before, change) : before)
}

/** An object with a member changed that is an object as well, or becomes one. */
function withMember(object: string, name: string, change: (member: string) => string): string {
  return editMembers(object, {
    [name]: (before) => change(before?.startsWith('{') === true ? before : '{}'),
  })
}
