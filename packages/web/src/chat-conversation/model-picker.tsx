import { useQuery } from '@tanstack/react-query'
import { Brain } from 'lucide-react'

import { modelOffers, tokens, UNAVAILABLE } from '../chats/model-choice.ts'
import { Picker } from '../chats/picker.tsx'
import { chatModelsQuery, modelConfigsQuery } from '../chats/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { rememberEffort } from './model-choice.ts'

interface ModelPickerProps {
  /** Id of the chosen model config. */
  readonly value: string | undefined
  readonly onChange: (model: string) => void
  readonly effort: string | undefined
  readonly onEffort: (effort: string) => void
}

const EFFORTS: Readonly<Record<string, string>> = {
  none: 'No thinking',
  minimal: 'Minimal',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  xhigh: 'Very high',
  max: 'Highest',
}

/** So many models fit without a search. */
const FEW = 6

/** Which model answers, and how much it thinks; what cannot be used says why (UI-1119). */
export function ModelPicker({ value, onChange, effort, onEffort }: ModelPickerProps) {
  const models = useQuery(chatModelsQuery).data
  const configs = useQuery(modelConfigsQuery).data ?? []
  const offers = models === undefined ? [] : modelOffers(models.providers, configs)
  const chosen = offers.find(({ id }) => id === value)
  const providers = [...new Set(offers.map(({ provider }) => provider))]
  return (
    <>
      <Picker
        label="Model"
        text={chosen?.name ?? 'Choose a model'}
        value={value ?? ''}
        searchable={offers.length > FEW}
        groups={providers.map((provider) => ({
          title: provider,
          options: offers
            .filter((offer) => offer.provider === provider)
            .map((offer) => ({
              id: offer.id,
              label: offer.name,
              note:
                offer.unavailable === undefined
                  ? [
                      offer.isDefault ? 'Default' : '',
                      offer.contextLimit === undefined ? '' : `${tokens(offer.contextLimit)} context`,
                    ]
                      .filter((word) => word !== '')
                      .join(' · ')
                  : UNAVAILABLE[offer.unavailable],
              disabled: offer.unavailable !== undefined,
            })),
        }))}
        onChoose={onChange}
        {...(offers.some(({ unavailable }) => unavailable === 'user_api_key_required')
          ? {
              footer: (
                <AppLink href={paths.agentSettings('api-keys')} className="link">
                  Add your own key
                </AppLink>
              ),
            }
          : {})}
      />
      {chosen === undefined || chosen.efforts.length < 2 ? null : (
        <Picker
          label="How much it thinks"
          icon={<Brain className="size-3.5 shrink-0" strokeWidth={1.75} aria-hidden="true" />}
          text={EFFORTS[effort ?? ''] ?? 'Usual'}
          value={effort ?? ''}
          groups={[
            {
              title: '',
              options: chosen.efforts.map((one) => ({
                id: one,
                label: EFFORTS[one] ?? one,
                note: one === chosen.usualEffort ? 'Usual' : undefined,
              })),
            },
          ]}
          onChoose={(next) => {
            rememberEffort(chosen.id, next)
            onEffort(next)
          }}
        />
      )}
    </>
  )
}
