import { type Chat, type ChatModel, getChat, listChatModels, listChats } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** Of the latest chats, so many are looked through for what is no whole id. */
const LOOKED_THROUGH = 100
const MIN_PREFIX = 4

/**
 * A chat by its id, else one of the user's latest by the beginning of its id or by its title.
 *
 * @throws CommandError for none and for several, ApiFailure 404.
 */
export async function findChat(client: Connection, text: string): Promise<Chat> {
  if (UUID.test(text)) return client.call(getChat, { params: { chat: text } })
  const latest = [
    ...(await client.call(listChats, { query: { limit: LOOKED_THROUGH } })),
    ...(await client.call(listChats, { query: { limit: LOOKED_THROUGH, q: 'archived:true' } })),
  ]
  const [found, another, ...others] = latest.filter(
    ({ id, title }) => (text.length >= MIN_PREFIX && id.startsWith(text.toLowerCase())) || title === text,
  )
  if (found === undefined)
    throw new CommandError(`there is no chat ${text}: \`slipway chat list\` shows yours`)
  if (another !== undefined)
    throw new CommandError(
      `several chats fit ${text}: name one by its id, ${[found, another, ...others].map(({ id }) => id).join(', ')}`,
    )
  return found
}

/** A model that the user may choose, with its provider. */
export interface OfferedModel extends ChatModel {
  readonly available: boolean
  readonly reason: string
}

/** The models that the user may choose, those that cannot be used now included. */
export async function offeredModels(client: Connection): Promise<readonly OfferedModel[]> {
  const { providers } = await client.call(listChatModels)
  return providers.flatMap(({ available, unavailable_reason: reason = '', models }) =>
    models.map((model) => ({ ...model, available, reason })),
  )
}

/**
 * A model by its id, the provider's or the shown name, or as `provider/name`.
 *
 * @throws CommandError listing all when none or several fit.
 */
export async function findModel(client: Connection, text: string): Promise<OfferedModel> {
  const models = await offeredModels(client)
  const wanted = text.toLowerCase()
  const found = models.filter(({ id, provider, model, display_name: shown }) =>
    [id, model, shown, `${provider}/${model}`].some((name) => name.toLowerCase() === wanted),
  )
  const [one, another] = found
  if (one !== undefined && another === undefined) return one
  if (another !== undefined)
    throw new CommandError(
      `several models fit ${text}: name one by its id, ${found.map(({ id, provider }) => `${id} (${provider})`).join(', ')}`,
    )
  const names = models.map(({ provider, model }) => `${provider}/${model}`).join(', ')
  throw new CommandError(
    names === ''
      ? 'no model is set up: an administrator adds one with `slipway chat models create`'
      : `there is no model ${text}: choose from ${names}`,
  )
}
