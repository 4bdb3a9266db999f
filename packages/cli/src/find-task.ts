import { ApiFailure } from '@slipway/client'
import { getTask, type Task } from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'

/**
 * A task by its id, its name, or as `owner/name`, with one request (WS-251).
 *
 * @throws CommandError when there is none.
 */
export async function findTask(client: Connection, text: string): Promise<Task> {
  const [, user = 'me', task = ''] = /^(?:([^/]+)\/)?([^/]+)$/.exec(text) ?? []
  if (task === '') throw new CommandError(`${JSON.stringify(text)} is no task: name it [owner/]task`)
  try {
    return await client.call(getTask, { params: { user, task } })
  } catch (error) {
    if (!(error instanceof ApiFailure && error.status === 404)) throw error
    throw new CommandError(
      `task ${text} was not found, or you have no access to it: \`slipway task list\` shows yours`,
    )
  }
}

/** Where later requests for a task go, whoever's it is and whatever its name becomes. */
export function addressOf({ id, owner_id }: Task): {
  readonly params: { readonly user: string; readonly task: string }
} {
  return { params: { user: owner_id, task: id } }
}
