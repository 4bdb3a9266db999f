import { open } from 'node:fs/promises'
import path from 'node:path'

import { ApiFailure, ConnectionFailure } from '@slipway/client'
import { type ChatInputPart, uploadChatFile } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'

/** What the server takes at most (CH-440). */
const MAX_BYTES = 10 * 1024 * 1024
const TIMEOUT_MS = 120_000

/**
 * Gives files to the server for a message, under their own names; what they are is for the server to find out.
 *
 * @returns the parts of the message.
 * @throws CommandError for what cannot be read or is too large, ApiFailure for what chats do not take, ConnectionFailure.
 */
export async function uploadFiles(
  client: Connection,
  organization: string,
  files: readonly string[],
): Promise<readonly ChatInputPart[]> {
  const parts: ChatInputPart[] = []
  for (const file of files) {
    const bytes = await contentOf(file)
    const id = await client.proved(() => upload(client, organization, path.basename(file), bytes))
    parts.push({ type: 'file', file_id: id })
  }
  return parts
}

async function contentOf(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    await using handle = await open(file)
    const chunks: Buffer[] = []
    let size = 0
    // Pipes and devices have no size to ask for.
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_BYTES)
        throw new CommandError(`${file} is too large: it has more than ${MAX_BYTES} bytes`)
    }
    return new Uint8Array(Buffer.concat(chunks))
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

async function upload(
  client: Connection,
  organization: string,
  name: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const { ok, status, text } = await client.transport
    .fetch(client.address(uploadChatFile, { query: { organization } }), {
      method: 'POST',
      headers: {
        ...client.headers,
        'Content-Type': 'application/octet-stream',
        'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    .then(async (response) => ({ ok: response.ok, status: response.status, text: await response.text() }))
    .catch((cause: unknown) => {
      throw new ConnectionFailure(`cannot reach ${client.url}`, { cause })
    })
  const answer = parsed(text)
  const id: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'id') : undefined
  if (!ok || typeof id !== 'string') throw new ApiFailure(status, answer)
  return id
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
