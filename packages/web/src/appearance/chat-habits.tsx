import { useMutation, useQuery } from '@tanstack/react-query'

import {
  type UpdateUserPreferenceSettingsRequest,
  type UserPreferenceSettings,
  updatePreferences,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { preferencesQuery } from './use-look.ts'

const FOLDS = [
  { value: 'auto', label: 'Open while they run' },
  { value: 'always_expanded', label: 'Always open' },
  { value: 'always_collapsed', label: 'Always folded' },
] as const

type Habit = Exclude<keyof UserPreferenceSettings, 'task_notification_alert_dismissed'>

const HABITS = [
  {
    key: 'agent_chat_send_shortcut',
    label: 'Send a message with',
    options: [
      { value: 'enter', label: 'Enter' },
      { value: 'modifier_enter', label: 'Ctrl or ⌘ and Enter' },
    ],
  },
  {
    key: 'thinking_display_mode',
    label: 'Model thinking',
    options: [
      { value: 'auto', label: 'Open while it thinks' },
      { value: 'preview', label: 'Only the latest lines' },
      { value: 'always_expanded', label: 'Always open' },
      { value: 'always_collapsed', label: 'Always folded' },
    ],
  },
  { key: 'shell_tool_display_mode', label: 'Command output', options: FOLDS },
  {
    key: 'code_diff_display_mode',
    label: 'File changes',
    options: [
      { value: '', label: 'Automatic' },
      { value: 'auto', label: 'Open when they are short' },
      { value: 'always_expanded', label: 'Always open' },
      { value: 'always_collapsed', label: 'Always folded' },
    ],
  },
] as const satisfies readonly {
  readonly key: Habit
  readonly label: string
  readonly options: readonly { readonly value: string; readonly label: string }[]
}[]

/** How messages are sent, and what of an answer is open from the start (ID-201). Each is saved at once. */
export function ChatHabits() {
  const habits = useQuery(preferencesQuery)
  return (
    <Section title="Chats" help="Applies to your account. Folded parts can be opened in place.">
      {habits.data === undefined ? (
        habits.isError ? (
          <ErrorNotice
            error={habits.error}
            title="The preferences could not be read"
            onRetry={() => void habits.refetch()}
          />
        ) : (
          <AfterDelay>
            <div className="skeleton h-24" aria-busy="true" />
          </AfterDelay>
        )
      ) : (
        <Habits habits={habits.data} />
      )}
    </Section>
  )
}

function Habits({ habits }: { readonly habits: UserPreferenceSettings }) {
  const online = useOnline()
  const save = useMutation({
    scope: { id: 'preferences' },
    mutationFn: (change: UpdateUserPreferenceSettingsRequest) =>
      api.call(updatePreferences, { params: { user: 'me' }, body: change }),
    onMutate: (change) => {
      const before = habits
      queries.setQueryData(preferencesQuery.queryKey, { ...habits, ...change })
      return before
    },
    onSuccess: (saved) => queries.setQueryData(preferencesQuery.queryKey, saved),
    onError: (error, _, before) => {
      queries.setQueryData(preferencesQuery.queryKey, before)
      toasts.failed('The preference was not saved', error)
    },
  })
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      {HABITS.map(({ key, label, options }) => (
        <Field key={key} label={label}>
          {(field) => (
            <Select
              {...field}
              disabled={!online}
              value={habits[key]}
              options={options}
              onChange={(event) => {
                const chosen = options.find(({ value }) => value === event.target.value)
                if (chosen !== undefined) save.mutate({ [key]: chosen.value })
              }}
            />
          )}
        </Field>
      ))}
    </div>
  )
}
