import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'

import { upsertAIModelPrices } from '@slipway/contract'
import { PROVIDER_KINDS } from '../ai-providers/provider-types.ts'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select, TextInput } from '../ui/form.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { AmountField } from './fields.tsx'
import {
  PRICE_FIELDS,
  type PricedModel,
  type PriceField,
  priceDraft,
  priceFaults,
  priceUpsert,
} from './model-prices.ts'
import { pricesQuery } from './queries.ts'

const LABELS: Readonly<Record<PriceField, string>> = {
  input_price: 'Input',
  output_price: 'Output',
  cache_read_price: 'Cache read',
  cache_write_price: 'Cache write',
}

/** What a model costs from now on, in this deployment (AG-109). */
export function PriceDialog({
  model,
  onClose,
}: {
  /** Undefined for one that has no price yet. */
  readonly model: PricedModel | undefined
  readonly onClose: () => void
}) {
  const id = useId()
  const online = useOnline()
  const [draft, setDraft] = useState(() => priceDraft(model?.price))
  const [attempted, setAttempted] = useState(false)
  const faults = priceFaults(draft)
  const save = useMutation({
    mutationFn: () => api.call(upsertAIModelPrices, { body: { prices: [priceUpsert(draft)] } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: pricesQuery.queryKey })
      toasts.done(`The price of ${draft.model.trim()} was saved`)
      onClose()
    },
  })
  const form = useInvalidFocus(save.error)
  const fault = (name: keyof typeof draft) =>
    (attempted ? faults[name] : undefined) ?? fieldError(save.error, `prices[0].${name}`)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (Object.keys(faults).length > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!save.isPending) save.mutate()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={model === undefined ? 'New price' : `Price of ${model.model}`}
      description="Dollars per million tokens. Applies to requests from now on; past costs stay the same."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} tone="primary" busy={save.isPending} disabled={!online}>
            Save price
          </Button>
        </>
      }
    >
      <form ref={form} id={id} onSubmit={submit} noValidate className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The price was not saved" />
        {model === undefined ? (
          <div className="grid gap-5 sm:grid-cols-2">
            <Field label="Provider type" error={fault('provider')} required>
              {(field) => (
                <Select
                  {...field}
                  autoFocus
                  prompt="Choose"
                  value={draft.provider}
                  options={PROVIDER_KINDS.filter(({ type }) => type !== 'openai-compat').map(
                    ({ type, label }) => ({ value: type, label }),
                  )}
                  onChange={(event) => setDraft({ ...draft, provider: event.target.value })}
                />
              )}
            </Field>
            <Field label="Model" error={fault('model')} required>
              {(field) => (
                <TextInput
                  {...field}
                  autoComplete="off"
                  autoCapitalize="off"
                  spellCheck={false}
                  maxLength={256}
                  className="font-mono"
                  value={draft.model}
                  onChange={(event) => setDraft({ ...draft, model: event.target.value })}
                />
              )}
            </Field>
          </div>
        ) : null}
        <div className="grid grid-cols-2 gap-x-4 gap-y-5 max-[360px]:grid-cols-1">
          {PRICE_FIELDS.map((name, index) => (
            <AmountField
              key={name}
              label={LABELS[name]}
              autoFocus={model !== undefined && index === 0}
              placeholder="unknown"
              value={draft[name]}
              error={fault(name)}
              onChange={(text) => setDraft({ ...draft, [name]: text })}
            />
          ))}
        </div>
        <p className="text-xs text-ink-2">
          Leave empty what is unknown: it is not counted. 0 means free of charge.
        </p>
      </form>
    </Dialog>
  )
}
