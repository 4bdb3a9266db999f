import { CommandError } from './errors.ts'

/** As much as the server takes in one request, that of secrets (ID-93). */
const MAX_BYTES = 8 * 1024 * 1024

/**
 * All of standard input, as text.
 *
 * @throws CommandError when a person sits there, who would wonder what the command waits for, and for too much of it.
 */
export async function standardInput(what: string): Promise<string> {
  if (process.stdin.isTTY === true) throw new CommandError(`pipe ${what} in: standard input is a terminal`)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > MAX_BYTES) throw new CommandError(`standard input holds more than ${MAX_BYTES} bytes`)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The JSON object on standard input. What is in it is for the server to judge. @throws CommandError for anything else. */
export async function standardInputObject(what: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await standardInput(what)
  if (text.trim() === '') throw new CommandError(`standard input is empty: pipe ${what} in, as a JSON object`)
  const parsed = jsonIn(text)
  // What `-o json` prints of one row, where a list has it.
  const value: unknown = Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandError(`standard input must hold ${what} as one JSON object`)
  return { ...value }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandError(
      `standard input is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** An object as the body of a request. */
export function jsonBytes(value: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value))
}
