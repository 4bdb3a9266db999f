import { useMutation, useQuery } from '@tanstack/react-query'

import {
  type BodyOf,
  type ChatModelOverrideContext,
  updateChatModelOverride,
  updateChatPersonalModelOverrides,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { EFFORT_WORDS } from '../chats/effort-words.ts'
import { modelConfigsQuery, ownModelsQuery } from '../chats/queries.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { useOnline } from '../frame/connection-banner.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Select } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { modelTitle } from './model-title.ts'
import { SettingsPage } from './settings-page.tsx'
import { modelOverrideQuery, personalOverridesQuery } from './settings-queries.ts'

const CONTEXTS: readonly {
  readonly context: ChatModelOverrideContext
  readonly label: string
  readonly help: string
}[] = [
  {
    context: 'general',
    label: 'Subagents',
    help: 'Chats that an agent starts to delegate parts of its work.',
  },
  {
    context: 'explore',
    label: 'Explorers',
    help: 'Chats that an agent starts only to read and search. A fast model is enough.',
  },
  { context: 'title_generation', label: 'Titles', help: 'Writes chat titles. A small model is enough.' },
  { context: 'compaction', label: 'Compaction', help: 'Summarizes chats that fill their context window.' },
]

/** `/ai/settings/coder-agents`: which models do which work, and what users may choose themselves (UI-1304). */
export function AgentsSettingsPage() {
  return (
    <SettingsPage title="Agents" context="Which models do which work, and what people may choose">
      <Section
        title="Models by task"
        help="If none is set, the chat’s own model is used. Changes apply from the next turn on."
      >
        <div className="flex flex-col gap-6">
          {CONTEXTS.map((one) => (
            <Override key={one.context} {...one} />
          ))}
        </div>
      </Section>
      <Personal />
    </SettingsPage>
  )
}

function Override({ context, label, help }: (typeof CONTEXTS)[number]) {
  const online = useOnline()
  const query = modelOverrideQuery(context)
  const override = useQuery(query)
  const models = useQuery(modelConfigsQuery)
  const save = useMutation({
    mutationFn: (body: BodyOf<typeof updateChatModelOverride>) =>
      api.call(updateChatModelOverride, { params: { context }, body }),
    onSuccess: () => queries.invalidateQueries({ queryKey: query.queryKey }),
  })
  return (
    <SettingState query={override} failure={`The model for ${label.toLowerCase()} could not be read`}>
      {({ model_config_id: id, reasoning_effort: effort, is_malformed: malformed }) => {
        const model = models.data?.find((one) => one.id === id)
        const efforts = model?.reasoning_efforts ?? []
        return (
          <div className="flex flex-col gap-3">
            <div className="grid gap-3 sm:grid-cols-[minmax(0,1fr)_10rem]">
              <Field
                label={label}
                help={help}
                error={
                  malformed ? 'The stored choice cannot be read, so none applies. Choose again.' : undefined
                }
              >
                {(field) => (
                  <Select
                    {...field}
                    disabled={!online || save.isPending || models.data === undefined}
                    value={id}
                    options={[
                      { value: '', label: 'The chat’s own model' },
                      ...(models.data ?? [])
                        .filter((one) => one.enabled || one.id === id)
                        .map((one) => ({ value: one.id, label: modelTitle(one) })),
                      ...(id !== '' && model === undefined
                        ? [{ value: id, label: 'A deleted model', disabled: true }]
                        : []),
                    ]}
                    onChange={(event) => save.mutate({ model_config_id: event.target.value })}
                  />
                )}
              </Field>
              {efforts.length === 0 ? null : (
                <Field label="Effort">
                  {(field) => (
                    <Select
                      {...field}
                      disabled={!online || save.isPending}
                      value={effort ?? ''}
                      options={[
                        { value: '', label: 'Default' },
                        ...efforts.map((one) => ({ value: one, label: EFFORT_WORDS[one] ?? one })),
                      ]}
                      onChange={(event) =>
                        save.mutate({
                          model_config_id: id,
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
      }}
    </SettingState>
  )
}

function Personal() {
  const online = useOnline()
  const allowed = useQuery(personalOverridesQuery)
  const save = useMutation({
    mutationFn: (allow: boolean) =>
      api.call(updateChatPersonalModelOverrides, { body: { allow_users: allow } }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: personalOverridesQuery.queryKey }),
        queries.invalidateQueries({ queryKey: ownModelsQuery.queryKey }),
      ]),
    onError: (error) => toasts.failed('The setting was not saved', error),
  })
  return (
    <Section title="What people may choose">
      <SettingState query={allowed} failure="The setting could not be read">
        {({ allow_users: allow }) => (
          <LabelledToggle
            kind="switch"
            label="Personal models"
            help="People may choose which models their chats, subagents and explorers use, instead of those above. Within a chat they can always choose any model that is on."
            checked={save.isPending ? save.variables : allow}
            disabled={!online || save.isPending}
            onChange={(next) => save.mutate(next)}
          />
        )}
      </SettingState>
    </Section>
  )
}
