import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type NotificationTemplate, putUserNotificationPreferences } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useAddress } from '../navigation/address.ts'
import { PushSection } from '../push/push-section.tsx'
import { usePush } from '../push/use-push.ts'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { dispatchMethodsQuery, notificationPreferencesQuery, notificationTemplatesQuery } from './queries.ts'
import { choosable, grouped, isOn, sentence, waysOf } from './template-groups.ts'

/** `/settings/notifications`: what the viewer wants to hear of (UI-1507). */
export function NotificationPreferencesPage() {
  const permissions = usePermissions()
  const templates = useQuery(notificationTemplatesQuery)
  const preferences = useQuery(notificationPreferencesQuery)
  const methods = useQuery(dispatchMethodsQuery)
  // Its section stands above the others, and would push them down.
  const push = usePush()
  const failed = [templates, preferences, methods].find(({ isError }) => isError)
  if (failed !== undefined)
    return (
      <ErrorNotice
        error={failed.error}
        title="Your choices could not be read"
        onRetry={() => void failed.refetch()}
      />
    )
  if (
    permissions === undefined ||
    !push.known ||
    templates.data === undefined ||
    preferences.data === undefined ||
    methods.data === undefined
  )
    return (
      <AfterDelay>
        <div className="flex flex-col gap-4" aria-busy="true">
          <div className="skeleton h-56" />
          <div className="skeleton h-40" />
        </div>
      </AfterDelay>
    )
  const shown = choosable(templates.data, {
    accounts: permissions.updateUsers,
    templates: permissions.updateTemplates,
  })
  return (
    <div className="flex flex-col gap-4">
      <StopOne templates={templates.data} />
      <PushSection />
      {methods.data.ready.length === 0 ? (
        <Notice tone="warn" title="This deployment sends no notifications">
          The inbox is off, and neither a mail server nor a webhook is set up. Your choices apply as soon as
          one of them is.
        </Notice>
      ) : null}
      {grouped(shown).map((group) => (
        <Section key={group.name} title={sentence(group.name)}>
          <ul className="flex flex-col gap-4">
            {group.templates.map((template) => (
              <li key={template.id}>
                <Choice
                  template={template}
                  on={isOn(template, preferences.data)}
                  ways={waysOf(template.method, methods.data)}
                />
              </li>
            ))}
          </ul>
        </Section>
      ))}
    </div>
  )
}

function Choice({
  template,
  on,
  ways,
}: {
  readonly template: NotificationTemplate
  readonly on: boolean
  readonly ways: string
}) {
  const online = useOnline()
  const save = useSave()
  return (
    <LabelledToggle
      kind="switch"
      label={sentence(template.name)}
      help={ways}
      checked={save.isPending ? !save.variables.disabled : on}
      disabled={!online || save.isPending}
      onChange={(next) => save.mutate({ id: template.id, disabled: !next })}
    />
  )
}

function useSave() {
  return useMutation({
    mutationFn: ({ id, disabled }: { readonly id: string; readonly disabled: boolean }) =>
      api.call(putUserNotificationPreferences, {
        params: { user: 'me' },
        body: { template_disabled_map: { [id]: disabled } },
      }),
    onSuccess: (saved) => queries.setQueryData(notificationPreferencesQuery.queryKey, saved),
    onError: (error) => toasts.failed('Your choice was not saved', error),
  })
}

/** A link at the end of a mail leads here: it stops one kind, but not before the reader has said so (UI-1507). */
function StopOne({ templates }: { readonly templates: readonly NotificationTemplate[] }) {
  const [search, change] = useAddress()
  const [stopped, setStopped] = useState<string>()
  const save = useSave()
  const asked = templates.find(({ id }) => id === search.disabled)
  const leave = () => change({ disabled: undefined })
  return (
    <>
      {search.disabled !== undefined && asked === undefined ? (
        <Notice
          tone="warn"
          title="The link names no kind of notification that this deployment has"
          action={
            <Button size="dense" onClick={leave}>
              Dismiss
            </Button>
          }
        >
          Choose below what you want to hear about.
        </Notice>
      ) : null}
      {stopped === undefined ? null : (
        <Notice tone="ok" title={`“${stopped}” is off`}>
          You get no more notifications of this kind. You can turn it back on below at any time.
        </Notice>
      )}
      {asked === undefined ? null : (
        <Dialog
          open
          onClose={leave}
          title={`Stop “${sentence(asked.name)}”?`}
          description="You will get no more notifications of this kind, by email or otherwise."
          footer={
            <>
              <Button onClick={leave}>Keep them</Button>
              <Button
                tone="primary"
                disabled={save.isPending}
                onClick={() =>
                  save.mutate(
                    { id: asked.id, disabled: true },
                    {
                      onSuccess: () => {
                        setStopped(sentence(asked.name))
                        leave()
                      },
                    },
                  )
                }
              >
                Stop them
              </Button>
            </>
          }
        />
      )}
    </>
  )
}
