import type {
  ChatModelConfig,
  ChatModelProvider,
  ChatModelProviderUnavailableReason,
  ChatUserModelOverrides,
} from '@slipway/contract'

/** A model that is offered, and why it cannot be used where it cannot. */
export interface ModelOffer {
  readonly id: string
  readonly name: string
  readonly model: string
  /** What people call it. */
  readonly provider: string
  readonly unavailable: ChatModelProviderUnavailableReason | undefined
  /** Tokens; what the model's configuration says. */
  readonly contextLimit: number | undefined
  readonly isDefault: boolean
  readonly efforts: readonly string[]
  readonly usualEffort: string | undefined
}

/** The models of all providers with what their configurations say about them (CH-506). */
export function modelOffers(
  providers: readonly ChatModelProvider[],
  configs: readonly ChatModelConfig[],
): readonly ModelOffer[] {
  return providers.flatMap((provider) =>
    provider.models.map((model) => {
      const config = configs.find(({ id }) => id === model.id)
      return {
        id: model.id,
        name: model.display_name === '' ? model.model : model.display_name,
        model: model.model,
        provider: provider.display_name === '' ? provider.provider : provider.display_name,
        unavailable: provider.available ? undefined : (provider.unavailable_reason ?? 'fetch_failed'),
        contextLimit: config?.context_limit,
        isDefault: config?.is_default === true,
        efforts: config?.reasoning_efforts ?? [],
        usualEffort: config?.model_config?.reasoning_effort?.default,
      }
    }),
  )
}

interface Wishes {
  /** Chosen just now. */
  readonly explicit: string | undefined
  readonly own: ChatUserModelOverrides | undefined
  /** Last used in this browser. */
  readonly last: string | undefined
}

/** Which model a new chat begins with: the first of these wishes that can be had (UI-1114). */
export function chooseModel(
  offers: readonly ModelOffer[],
  { explicit, own, last }: Wishes,
): ModelOffer | undefined {
  const usable = offers.filter(({ unavailable }) => unavailable === undefined)
  const find = (id: string | undefined) => usable.find((offer) => offer.id === id)
  const standard = usable.find(({ isDefault }) => isDefault)
  const root = own?.enabled === true && own.root.is_set && !own.root.is_malformed ? own.root : undefined
  return (
    find(explicit) ??
    (root?.mode === 'model' ? find(root.model_config_id) : undefined) ??
    (root?.mode === 'chat_default' ? standard : undefined) ??
    find(last) ??
    standard ??
    usable[0]
  )
}

/** The effort that is sent: what is wished if the model knows it, else its own, else the highest (UI-1119). */
export function chooseEffort(offer: ModelOffer | undefined, wish: string | undefined): string | undefined {
  if (offer === undefined || offer.efforts.length === 0) return undefined
  if (wish !== undefined && offer.efforts.includes(wish)) return wish
  return offer.usualEffort !== undefined && offer.efforts.includes(offer.usualEffort)
    ? offer.usualEffort
    : offer.efforts.at(-1)
}

/** Why a model cannot be used, in words. */
export const UNAVAILABLE: Readonly<Record<ChatModelProviderUnavailableReason, string>> = {
  missing_api_key: 'No key',
  fetch_failed: 'Not reachable',
  user_api_key_required: 'Needs your own key',
}

/** "200K", "1M", "32,768": tokens as people say them. */
export function tokens(count: number): string {
  if (count >= 1_000_000 && count % 100_000 === 0) return `${count / 1_000_000}M`
  return count >= 1000 && count % 1000 === 0 ? `${count / 1000}K` : count.toLocaleString('en-US')
}
