import type { AIModelPrice, AIModelPriceChange, AIModelPriceUpsert } from '@slipway/contract'
import { PROVIDER_KINDS } from '../ai-providers/provider-types.ts'
import { filterValue } from '../ui/filter-words.ts'
import { amountText, parseAmount, priceText } from './money.ts'

export const PRICE_FIELDS = ['input_price', 'output_price', 'cache_read_price', 'cache_write_price'] as const
export type PriceField = (typeof PRICE_FIELDS)[number]

/** A model and what it costs: the price of the deployment wins over that of the release (AG-108). */
export interface PricedModel {
  readonly provider: string
  readonly model: string
  readonly custom: AIModelPrice | undefined
  readonly release: AIModelPrice | undefined
  /** The one that counts. */
  readonly price: AIModelPrice
}

/** One entry for each model, by provider and name. */
export function pricedModels(prices: readonly AIModelPrice[]): readonly PricedModel[] {
  const models = new Map<string, { custom?: AIModelPrice; release?: AIModelPrice }>()
  for (const price of prices) {
    const key = keyOf(price)
    const known = models.get(key) ?? {}
    models.set(key, { ...known, [price.source === 'custom' ? 'custom' : 'release']: price })
  }
  return [...models.values()]
    .flatMap(({ custom, release }) => {
      const price = custom ?? release
      return price === undefined
        ? []
        : [{ provider: price.provider, model: price.model, custom, release, price }]
    })
    .sort((a, b) => a.provider.localeCompare(b.provider) || a.model.localeCompare(b.model))
}

export function keyOf({ provider, model }: { readonly provider: string; readonly model: string }): string {
  return JSON.stringify([provider, model])
}

/** Those that a filter leaves: `provider:`, `source:`, and words that the name of the model holds. */
export function matching(models: readonly PricedModel[], filter: string): readonly PricedModel[] {
  const provider = filterValue(filter, 'provider')?.toLowerCase()
  const source = filterValue(filter, 'source')
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && !/^(provider|source):/.test(word))
  return models.filter(
    (one) =>
      (provider === undefined || one.provider === provider) &&
      (source === undefined || one.price.source === source) &&
      words.every((word) => one.model.toLowerCase().includes(word)),
  )
}

/** A type of provider as people call it. */
export function providerLabel(provider: string): string {
  return PROVIDER_KINDS.find(({ type }) => type === provider)?.label ?? provider
}

const WORDS: Readonly<Record<PriceField, string>> = {
  input_price: 'in',
  output_price: 'out',
  cache_read_price: 'cache read',
  cache_write_price: 'cache write',
}

/** What a change has made of a price, in a line. */
export function changeWords(change: AIModelPriceChange): string {
  const prices = PRICE_FIELDS.flatMap((field) => {
    const micros = change[field]
    return micros === null ? [] : [`${priceText(micros)} ${WORDS[field]}`]
  }).join(' · ')
  return change.removed ? `Removed: ${prices}` : prices
}

/** A price as it is edited: dollars for a million tokens, empty where it is not known. */
type PriceDraft = Readonly<Record<PriceField, string>> & {
  readonly provider: string
  readonly model: string
}

export function priceDraft(price?: AIModelPrice): PriceDraft {
  return {
    provider: price?.provider ?? '',
    model: price?.model ?? '',
    input_price: amountText(price?.input_price ?? null),
    output_price: amountText(price?.output_price ?? null),
    cache_read_price: amountText(price?.cache_read_price ?? null),
    cache_write_price: amountText(price?.cache_write_price ?? null),
  }
}

export function priceFaults(draft: PriceDraft): Readonly<Partial<Record<keyof PriceDraft, string>>> {
  const faults: Partial<Record<keyof PriceDraft, string>> = {}
  if (draft.provider === '') faults.provider = 'Choose the provider type.'
  if (draft.model.trim() === '') faults.model = 'Enter the provider’s name for the model.'
  for (const field of PRICE_FIELDS)
    if (draft[field].trim() !== '' && parseAmount(draft[field]) === undefined)
      faults[field] = 'An amount in dollars, such as 2.50.'
  if (PRICE_FIELDS.every((field) => draft[field].trim() === ''))
    faults.input_price = 'Enter at least one price.'
  return faults
}

export function priceUpsert(draft: PriceDraft): AIModelPriceUpsert {
  const priceOf = (field: PriceField) => parseAmount(draft[field]) ?? null
  return {
    provider: draft.provider,
    model: draft.model.trim(),
    input_price: priceOf('input_price'),
    output_price: priceOf('output_price'),
    cache_read_price: priceOf('cache_read_price'),
    cache_write_price: priceOf('cache_write_price'),
  }
}
