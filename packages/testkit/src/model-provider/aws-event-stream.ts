import { crc32 } from 'node:zlib'

/** Type of a header whose value is a string. */
const STRING = 7

/** A message of Amazon's event-stream encoding (`application/vnd.amazon.eventstream`) with a JSON payload. */
export function eventStreamMessage(
  kind: { readonly event: string } | { readonly exception: string },
  payload: unknown,
): Uint8Array {
  const headers = Buffer.concat([
    ...('event' in kind
      ? [header(':message-type', 'event'), header(':event-type', kind.event)]
      : [header(':message-type', 'exception'), header(':exception-type', kind.exception)]),
    header(':content-type', 'application/json'),
  ])
  const body = Buffer.from(JSON.stringify(payload))
  const prelude = Buffer.concat([uint32(headers.length + body.length + 16), uint32(headers.length)])
  const message = Buffer.concat([prelude, uint32(crc32(prelude)), headers, body])
  return Buffer.concat([message, uint32(crc32(message))])
}

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.length)
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([STRING]),
    length,
    Buffer.from(value),
  ])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
