import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import {
  type NotificationTemplate,
  putNotificationsSettings,
  sendTestNotification,
  updateNotificationTemplateMethod,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useAddress } from '../navigation/address.ts'
import { usePermissions } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle, Mark, Select } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { dispatchMethodsQuery, notificationsSettingsQuery, notificationTemplatesQuery } from './queries.ts'
import { grouped, methodName, sentence } from './template-groups.ts'

/** `/deployment/notifications`: by which ways the deployment tells people things (UI-1404). */
export function DeploymentNotificationsPage() {
  const mayView = useCheck('read', { resource_type: 'notification_template' })
  const [search, change] = useAddress()
  const tab = search.tab === 'settings' ? 'settings' : 'events'
  if (mayView === false)
    return <NoPermission what="see how notifications are sent" permission="viewNotificationTemplate" />
  return (
    <div className="flex flex-col gap-4">
      <Segmented
        label="Part of the page"
        value={tab}
        onChange={(next) => change({ tab: next === 'events' ? undefined : next })}
        options={[
          { id: 'events', label: 'Events' },
          { id: 'settings', label: 'Delivery' },
        ]}
      />
      {tab === 'settings' ? <Delivery /> : <Events />}
    </div>
  )
}

const VARIABLES: Readonly<Record<string, string>> = {
  smtp: 'CODER_EMAIL_SMARTHOST and CODER_EMAIL_FROM',
  webhook: 'CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT',
  inbox: 'CODER_NOTIFICATIONS_INBOX_ENABLED',
}

function Delivery() {
  const online = useOnline()
  const mayEdit = usePermissions()?.editDeploymentConfig === true
  const settings = useQuery(notificationsSettingsQuery)
  const methods = useQuery(dispatchMethodsQuery)
  const pause = useMutation({
    mutationFn: (notifier_paused: boolean) =>
      api.call(putNotificationsSettings, { body: { notifier_paused } }),
    onSuccess: (saved, asked) => {
      queries.setQueryData(notificationsSettingsQuery.queryKey, saved ?? { notifier_paused: asked })
      toasts.done(asked ? 'Notifications are paused' : 'Notifications are sent again')
    },
    onError: (error) => toasts.failed('The setting was not saved', error),
  })
  const test = useMutation({
    mutationFn: () => api.call(sendTestNotification),
    onSuccess: () => toasts.done('A test notification is on its way to you'),
    onError: (error) => toasts.failed('The test could not be sent', error),
  })
  const failed = [settings, methods].find(({ isError }) => isError)
  if (failed !== undefined)
    return (
      <ErrorNotice
        error={failed.error}
        title="The settings could not be read"
        onRetry={() => void failed.refetch()}
      />
    )
  if (settings.data === undefined || methods.data === undefined) return <Loading />
  const { ready, default: fallback } = methods.data
  const paused = pause.isPending ? pause.variables : settings.data.notifier_paused
  return (
    <>
      {paused ? (
        <Notice tone="warn" title="Notifications are paused">
          They are kept until you turn sending back on, for at most a week.
        </Notice>
      ) : null}
      <Section title="Sending" help="Applies to all replicas within seconds.">
        <LabelledToggle
          kind="switch"
          label="Send notifications"
          help="While this is off, notifications wait in a queue."
          checked={!paused}
          disabled={!mayEdit || !online || pause.isPending}
          onChange={(on) => pause.mutate(!on)}
        />
      </Section>
      <Section
        title="Methods"
        help="Set up with server options, which take effect at the next start."
        actions={
          <Button
            disabled={!mayEdit || !online || test.isPending || ready.length === 0}
            onClick={() => test.mutate()}
          >
            Send a test to me
          </Button>
        }
        flush
      >
        <ul className="divide-y divide-line">
          {['smtp', 'webhook', 'inbox'].map((method) => {
            const isReady = ready.some((one) => one === method)
            return (
              <li key={method} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 text-sm">
                <span className="font-medium">{methodName(method)}</span>
                {method === fallback ? <Mark>default</Mark> : null}
                <span className="inline-flex min-w-0 items-baseline gap-2 text-ink-2 [overflow-wrap:anywhere] sm:ml-auto">
                  <span
                    aria-hidden="true"
                    className={`size-2 shrink-0 rounded-full ${isReady ? 'bg-ok' : 'border border-line-strong'}`}
                  />
                  {isReady ? 'Ready' : `Off: set ${VARIABLES[method]}`}
                </span>
              </li>
            )
          })}
        </ul>
      </Section>
    </>
  )
}

function Events() {
  const templates = useQuery(notificationTemplatesQuery)
  const methods = useQuery(dispatchMethodsQuery)
  const failed = [templates, methods].find(({ isError }) => isError)
  if (failed !== undefined)
    return (
      <ErrorNotice
        error={failed.error}
        title="The events could not be read"
        onRetry={() => void failed.refetch()}
      />
    )
  if (templates.data === undefined || methods.data === undefined) return <Loading />
  const { ready, default: fallback } = methods.data
  const usual = ready.some((one) => one === fallback) ? methodName(fallback) : 'Inbox only'
  const unready = templates.data.filter(({ method }) => method !== '' && !ready.some((one) => one === method))
  return (
    <>
      {unready.length === 0 ? null : (
        <Notice tone="warn" title="Some events use a method that is not set up">
          {unready.map(({ name }) => sentence(name)).join(', ')}: nobody hears of them until it is.
        </Notice>
      )}
      {grouped(templates.data).map((group) => (
        <Section key={group.name} title={sentence(group.name)} flush>
          <ul className="divide-y divide-line">
            {group.templates.map((template) => (
              <Event key={template.id} template={template} fallback={usual} />
            ))}
          </ul>
        </Section>
      ))}
    </>
  )
}

function Event({
  template,
  fallback,
}: {
  readonly template: NotificationTemplate
  /** What the default comes to. */
  readonly fallback: string
}) {
  const online = useOnline()
  const mayEdit = useCheck('update', { resource_type: 'notification_template' })
  const [chosen, setChosen] = useState(template.method)
  const save = useMutation({
    mutationFn: async (method: string) => {
      try {
        await api.call(updateNotificationTemplateMethod, {
          params: { notification_template: template.id },
          body: { method },
        })
      } catch (error) {
        // It was that already.
        if (statusOf(error) !== 304) throw error
      }
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: notificationTemplatesQuery.queryKey })
      toasts.done(`“${sentence(template.name)}” is saved`)
    },
    onError: (error) => {
      setChosen(template.method)
      toasts.failed('The method was not saved', error)
    },
  })
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2.5 text-sm">
      <span id={`way-${template.id}`} className="min-w-0 flex-1 basis-56 font-medium">
        {sentence(template.name)}
        {template.enabled_by_default ? null : (
          <span className="ml-2 font-normal">
            <Mark>off by default</Mark>
          </span>
        )}
      </span>
      <div className="w-full sm:w-52">
        <Select
          aria-labelledby={`way-${template.id}`}
          value={chosen}
          disabled={mayEdit !== true || !online || save.isPending}
          options={[
            { value: '', label: `Default (${fallback})` },
            ...['smtp', 'webhook', 'inbox'].map((method) => ({
              value: method,
              label: method === 'inbox' ? 'Inbox only' : methodName(method),
            })),
          ]}
          onChange={(event) => {
            setChosen(event.target.value)
            save.mutate(event.target.value)
          }}
        />
      </div>
    </li>
  )
}

function Loading() {
  return (
    <AfterDelay>
      <div className="flex flex-col gap-4" aria-busy="true">
        <div className="skeleton h-20" />
        <div className="skeleton h-48" />
      </div>
    </AfterDelay>
  )
}
