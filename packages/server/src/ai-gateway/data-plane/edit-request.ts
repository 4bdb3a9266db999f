import { GatewayError } from '../exchange/gateway-error.ts'
import type { RequestFacts } from '../wires/request-facts.ts'
import type { Wire } from '../wires/wire.ts'
import { editMembers } from './json-members.ts'
import { withThoughtSignatures } from './thought-signatures.ts'

/**
 * The body of a client's request with what the gateway needs to be told (AG-27); all else stays as it is.
 *
 * @throws GatewayError 501 for what is to go on without the connection (AG-33).
 */
export function editRequest(wire: Wire, body: Uint8Array, facts: RequestFacts): Uint8Array {
  if (wire === 'responses' && facts.background)
    throw new GatewayError(
      501,
      'route_not_supported',
      'background requests are currently not supported by AI Gateway',
      { ofResponses: true },
    )
  if (wire !== 'chat' || !(facts.stream || facts.hasStreamOptions)) return body
  const request = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  if (!facts.stream) return Buffer.from(editMembers(request, { stream_options: undefined }))
  return Buffer.from(
    editMembers(request, {
      n: () => '1',
      stream_options: (before) =>
        before?.startsWith('{') === true
          ? editMembers(before, { include_usage: () => 'true' })
          : '{"include_usage":true}',
    }),
  )
}

/** As {@link editRequest}, for Google's API that speaks like OpenAI (AG-32). */
export function editForGoogle(wire: Wire, body: Uint8Array, facts: RequestFacts): Uint8Array {
  const edited = editRequest(wire, body, facts)
  return wire === 'chat' ? withThoughtSignatures(edited) : edited
}
