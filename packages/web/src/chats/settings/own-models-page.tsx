import { useMutation, useQuery } from '@tanstack/react-query'

import {
  type BodyOf,
  type ChatPersonalModelOverride,
  type ChatPersonalOverrideContext,
  type ChatUserModelOverrides,
  updateChatUserModelOverride,
} from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { useOnline } from '../../frame/connection-banner.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { Field, Select } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Section } from '../../ui/page.tsx'
import { EFFORT_WORDS } from '../effort-words.ts'
import { modelConfigsQuery, ownModelsQuery } from '../queries.ts'
import { SettingState } from './setting-state.tsx'

type Change = BodyOf<typeof updateChatUserModelOverride>

const CONTEXTS: readonly {
  readonly context: ChatPersonalOverrideContext
  readonly label: string
  readonly help: string
}[] = [
  {
    context: 'root',
    label: 'New chats',
    help: 'What a chat begins with, until you choose another model in it.',
  },
  {
    context: 'general',
    label: 'Subagents',
    help: 'Chats that an agent begins to have parts of its work done.',
  },
  {
    context: 'explore',
    label: 'Explorers',
    help: 'Chats that an agent begins to read and look around only.',
  },
]

/** `/agents/settings/user-agents`: which models the viewer's chats think with. */
export function OwnModelsPage() {
  const own = useQuery(ownModelsQuery)
  return (
    <Section title="Models" help="Where you would rather have another model than the deployment's.">
      <SettingState query={own} failure="Your models could not be read">
        {(overrides) =>
          overrides.enabled ? (
            <div className="flex flex-col gap-6">
              {CONTEXTS.map((one) => (
                <OverrideRow key={one.context} {...one} overrides={overrides} />
              ))}
            </div>
          ) : (
            <Notice tone="info" title="Everybody uses the models of the deployment">
              Administrators can allow own models in the settings of agents. In every chat you can still
              choose among the models that are there.
            </Notice>
          )
        }
      </SettingState>
    </Section>
  )
}

function OverrideRow({
  context,
  label,
  help,
  overrides,
}: (typeof CONTEXTS)[number] & { readonly overrides: ChatUserModelOverrides }) {
  const online = useOnline()
  const models = useQuery(modelConfigsQuery)
  const stored = overrides[context]
  const save = useMutation({
    mutationFn: (body: Change) => api.call(updateChatUserModelOverride, { params: { context }, body }),
    onSuccess: (saved) =>
      queries.setQueryData(ownModelsQuery.queryKey, (before) =>
        before === undefined ? undefined : { ...before, [context]: saved },
      ),
  })
  const offered = (models.data ?? []).filter(({ enabled }) => enabled)
  const model = offered.find(({ id }) => id === stored.model_config_id)
  const efforts = model?.reasoning_efforts ?? []
  const usual = offered.find(({ is_default: first }) => first)
  const deployment = context === 'root' ? undefined : overrides.deployment_defaults[context].model_config_id
  const named = (id: string | undefined) => {
    const found = offered.find((one) => one.id === id)
    return found === undefined ? undefined : found.display_name || found.model
  }
  return (
    <div className="flex flex-col gap-3">
      <div className="grid gap-3 sm:grid-cols-[minmax(0,1fr)_10rem]">
        <Field label={label} help={help}>
          {(field) => (
            <Select
              {...field}
              disabled={!online || save.isPending || models.data === undefined}
              value={choiceOf(stored)}
              options={[
                ...(context === 'root'
                  ? stored.is_set
                    ? []
                    : [{ value: '', label: 'The one you used last' }]
                  : [
                      {
                        value: 'deployment_default',
                        label: `As the deployment wants it${named(deployment) === undefined ? '' : ` (${named(deployment)})`}`,
                      },
                    ]),
                {
                  value: 'chat_default',
                  label:
                    context === 'root'
                      ? `The default${usual === undefined ? '' : ` (${usual.display_name || usual.model})`}`
                      : 'The same as the chat',
                },
                ...offered.map(({ id, model: name, display_name: title }) => ({
                  value: id,
                  label: title || name,
                })),
                ...(stored.mode === 'model' && model === undefined
                  ? [{ value: stored.model_config_id, label: 'A model that is gone', disabled: true }]
                  : []),
              ]}
              onChange={(event) => save.mutate(requestFor(event.target.value))}
            />
          )}
        </Field>
        {efforts.length === 0 || stored.mode !== 'model' ? null : (
          <Field label="Effort">
            {(field) => (
              <Select
                {...field}
                disabled={!online || save.isPending}
                value={stored.reasoning_effort ?? ''}
                options={[
                  { value: '', label: 'Usual' },
                  ...efforts.map((one) => ({ value: one, label: EFFORT_WORDS[one] ?? one })),
                ]}
                onChange={(event) =>
                  save.mutate({
                    mode: 'model',
                    model_config_id: stored.model_config_id,
                    ...(event.target.value === '' ? {} : { reasoning_effort: event.target.value }),
                  })
                }
              />
            )}
          </Field>
        )}
      </div>
      <ErrorNotice error={save.error} title="The model was not saved" />
    </div>
  )
}

/** Nothing set is an entry of its own for new chats, where there is no default of the deployment. */
function choiceOf({ mode, model_config_id: id, is_set: set, context }: ChatPersonalModelOverride): string {
  if (!set) return context === 'root' ? '' : 'deployment_default'
  return mode === 'model' ? id : mode
}

function requestFor(value: string): Change {
  return value === 'deployment_default' || value === 'chat_default'
    ? { mode: value }
    : { mode: 'model', model_config_id: value }
}
