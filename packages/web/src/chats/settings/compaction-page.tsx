import { useMutation, useQuery } from '@tanstack/react-query'
import { Cpu } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import {
  type ChatModelConfig,
  deleteChatCompactionThreshold,
  updateChatCompactionThreshold,
} from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { useOnline } from '../../frame/connection-banner.tsx'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { TextInput } from '../../ui/form.tsx'
import { Section } from '../../ui/page.tsx'
import { tokens } from '../model-choice.ts'
import { modelConfigsQuery } from '../queries.ts'
import { thresholdsQuery } from './queries.ts'
import { SettingState } from './setting-state.tsx'

/** `/agents/settings/compaction`: how full a model's window gets before the chat is compacted. */
export function CompactionPage() {
  const models = useQuery(modelConfigsQuery)
  const thresholds = useQuery(thresholdsQuery)
  return (
    <Section
      title="Compaction"
      help="A chat that fills the model's window to this part is summed up, and goes on with the sum. 100 switches it off."
      flush
    >
      <SettingState query={models} failure="The models could not be read">
        {(all) => (
          <SettingState query={thresholds} failure="Your thresholds could not be read">
            {({ thresholds: own }) => {
              const enabled = all.filter((model) => model.enabled)
              return enabled.length === 0 ? (
                <EmptyState icon={Cpu} title="No model yet">
                  Models that administrators add are listed here.
                </EmptyState>
              ) : (
                <ul>
                  {enabled.map((model) => (
                    <Row
                      key={model.id}
                      model={model}
                      own={own.find(({ model_config_id: id }) => id === model.id)?.threshold_percent}
                    />
                  ))}
                </ul>
              )
            }}
          </SettingState>
        )}
      </SettingState>
    </Section>
  )
}

function Row({ model, own }: { readonly model: ChatModelConfig; readonly own: number | undefined }) {
  const online = useOnline()
  const [typed, setTyped] = useState<string>()
  const params = { modelConfig: model.id }
  const done = async () => {
    await queries.invalidateQueries({ queryKey: thresholdsQuery.queryKey })
    setTyped(undefined)
  }
  const save = useMutation({
    mutationFn: (percent: number) =>
      api.call(updateChatCompactionThreshold, { params, body: { threshold_percent: percent } }),
    onSuccess: done,
  })
  const reset = useMutation({
    mutationFn: () => api.call(deleteChatCompactionThreshold, { params }),
    onSuccess: done,
  })
  const shown = typed ?? String(own ?? model.compression_threshold)
  const percent = Number(shown)
  const valid = shown.trim() !== '' && Number.isInteger(percent) && percent >= 0 && percent <= 100
  const differs = typed !== undefined && percent !== (own ?? model.compression_threshold)
  const name = model.display_name === '' ? model.model : model.display_name
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (valid && differs && !save.isPending) save.mutate(percent)
  }
  return (
    <li className="border-b border-line px-4 py-2.5 last:border-b-0">
      <form onSubmit={submit} className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="min-w-0 flex-1 basis-44">
          <span className="block truncate text-sm font-medium">{name}</span>
          <span className="block text-xs text-ink-2">
            {tokens(model.context_limit)} context ·{' '}
            {own === undefined ? 'as administrators want it' : `usually ${model.compression_threshold} %`}
          </span>
        </span>
        <span className="flex items-center gap-1.5">
          <span className="w-16">
            <TextInput
              aria-label={`Threshold of ${name} in percent`}
              aria-invalid={!valid || undefined}
              inputMode="numeric"
              autoComplete="off"
              value={shown}
              onChange={(event) => setTyped(event.target.value)}
              className="text-right tabular-nums"
            />
          </span>
          <span className="text-sm text-ink-2">%</span>
        </span>
        <span className="flex min-w-32 justify-end gap-2">
          {differs || !valid ? (
            <>
              <Button size="dense" onClick={() => setTyped(undefined)}>
                Discard
              </Button>
              <Button
                type="submit"
                size="dense"
                tone="primary"
                busy={save.isPending}
                disabled={!valid || !online}
              >
                Save
              </Button>
            </>
          ) : own === undefined ? null : (
            <Button
              size="dense"
              tone="quiet"
              busy={reset.isPending}
              disabled={!online}
              onClick={() => reset.mutate()}
            >
              Use the default
            </Button>
          )}
        </span>
      </form>
      {valid ? null : (
        <p role="alert" className="mt-1 text-xs text-bad">
          A whole number from 0 to 100.
        </p>
      )}
      {save.error === null && reset.error === null ? null : (
        <div className="mt-2">
          <ErrorNotice error={save.error ?? reset.error} title="The threshold was not saved" />
        </div>
      )}
    </li>
  )
}
