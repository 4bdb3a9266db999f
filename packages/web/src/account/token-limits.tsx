import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import {
  type APIKeyAILimitsStatus,
  deleteAPIKeyAILimits,
  getAPIKeyAILimits,
  upsertAPIKeyAILimits,
} from '@slipway/contract'
import { SaveBar } from '../ai-spend/save-bar.tsx'
import { SpendMeter } from '../ai-spend/spend-meter.tsx'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { KeyLimitFields } from './key-limit-fields.tsx'
import { isUnlimited, keyLimitsDraft, keyLimitsFaults, keyLimitsOf } from './key-limits.ts'

function limitsQuery(keyid: string) {
  return queryOptions({
    queryKey: ['token-ai-limits', keyid],
    queryFn: async ({ signal }): Promise<APIKeyAILimitsStatus | null> => {
      try {
        return await api.call(getAPIKeyAILimits, { params: { user: 'me', keyid }, signal })
      } catch (error) {
        // A token without limits.
        if (statusOf(error) === 404) return null
        throw error
      }
    },
  })
}

/** What a token may do at the AI gateway, and what it has spent there (AG-B8). */
export function TokenLimits({ token }: { readonly token: string }) {
  const limits = useQuery(limitsQuery(token))
  return (
    <SettingState query={limits} failure="The limits of the token could not be read">
      {(stored) => <Form key={JSON.stringify(stored)} token={token} stored={stored} />}
    </SettingState>
  )
}

function Form({ token, stored }: { readonly token: string; readonly stored: APIKeyAILimitsStatus | null }) {
  const saved = keyLimitsDraft(stored)
  const [draft, setDraft] = useState(saved)
  const [attempted, setAttempted] = useState(false)
  const same = JSON.stringify(draft) === JSON.stringify(saved)
  const faults = keyLimitsFaults(draft)
  const save = useMutation({
    mutationFn: async () => {
      const params = { user: 'me', keyid: token }
      const body = keyLimitsOf(draft)
      if (!isUnlimited(body)) await api.call(upsertAPIKeyAILimits, { params, body })
      else if (stored !== null) await api.call(deleteAPIKeyAILimits, { params })
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: limitsQuery(token).queryKey })
      toasts.done('The limits of the token were saved')
    },
  })
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (Object.keys(faults).length === 0 && !same && !save.isPending) save.mutate()
  }
  return (
    <Section
      title="At the AI gateway"
      help="Limits in addition to those of your account. Leave empty for no limit."
    >
      <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The limits were not saved" />
        {stored === null ? null : (
          <div className="flex max-w-sm flex-col gap-1">
            <span className="text-xs text-ink-2">Spent with this token this month</span>
            <SpendMeter
              wide
              label="Spent with this token"
              spent={stored.current_spend_micros}
              limit={stored.monthly_spend_limit_micros}
            />
          </div>
        )}
        <KeyLimitFields
          draft={draft}
          onChange={setDraft}
          faults={attempted ? faults : {}}
          error={save.error}
        />
        <SaveBar
          verb="Save limits"
          same={same}
          busy={save.isPending}
          onDiscard={() => {
            setDraft(saved)
            setAttempted(false)
            save.reset()
          }}
        />
      </form>
    </Section>
  )
}
