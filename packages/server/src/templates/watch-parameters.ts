import { Compile } from 'typebox/compile'
import type { WebSocket } from 'ws'

import { DynamicParametersRequest, NO_ID } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { renderParameters } from './render-parameters.ts'
import type { VersionRow } from './store/versions.ts'

const LIFETIME_MS = 30 * 60_000
const request = Compile(DynamicParametersRequest)

/**
 * Keeps a form alive (WS-124): sends the state without input as response -1, then exactly one response for
 * each request, in order. Closes after 30 minutes.
 *
 * @param userId whom the workspace would be for until a request names somebody else; the reader when undefined.
 * @throws ApiError 425 while the import runs, 426 without an upgrade.
 */
export async function watchParameters(
  context: AppContext,
  actor: Actor,
  version: VersionRow,
  userId: string | undefined,
  upgrade: () => Promise<WebSocket>,
): Promise<void> {
  let ownerId = userId
  const first = await renderParameters(context, actor, version, { id: -1, inputs: {}, ownerId })
  const socket = await upgrade()
  const end = setTimeout(() => socket.close(1001, 'going away'), LIFETIME_MS)
  socket.on('close', () => clearTimeout(end))
  socket.send(JSON.stringify(first))
  const answer = async (text: string): Promise<void> => {
    const input = parse(text)
    if (input === undefined) {
      socket.close(1003, 'send {"id": number, "inputs": {name: value}}')
      return
    }
    if (input.owner_id !== undefined && input.owner_id !== NO_ID) ownerId = input.owner_id
    try {
      const response = await renderParameters(context, actor, version, {
        id: input.id ?? 0,
        inputs: input.inputs ?? {},
        ownerId,
      })
      await new Promise<void>((resolve) => {
        socket.send(JSON.stringify(response), () => resolve())
      })
    } catch (error) {
      const expected = error instanceof ApiError && error.status < 500
      if (!expected) context.log.warn('a form could not be rendered', { error: describeError(error) })
      socket.close(1011, expected ? error.message.slice(0, 120) : 'internal error')
    }
  }
  let queue = Promise.resolve()
  socket.on('message', (data) => {
    const text = String(data)
    // One at a time: what comes too fast waits with the client, not in our memory.
    socket.pause()
    queue = queue.then(async () => {
      await answer(text)
      // Also after a close: until the other side's answer to it is read, the connection stays open.
      socket.resume()
    })
  })
}

function parse(text: string): DynamicParametersRequest | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return request.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}
