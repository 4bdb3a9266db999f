import { useMutation, useQuery } from '@tanstack/react-query'

import { updatePreferences } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { preferencesQuery } from '../appearance/use-look.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { notificationPreferencesQuery, notificationTemplatesQuery } from '../notifications/queries.ts'
import { isOn } from '../notifications/template-groups.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { toasts } from '../ui/toast.tsx'

/** Task working, idle, completed and failed: what a task has come to without anybody looking. */
const OF_TASKS: ReadonlySet<string> = new Set([
  'bd4b7168-d05e-4e19-ad0f-3593b77aa90f',
  'd4a6271c-cced-4ed0-84ad-afd02a9c7799',
  '8c5a4d12-9f7e-4b3a-a1c8-6e4f2d9b5a7c',
  '3b7e8f1a-4c2d-49a6-b5e9-7f3a1c8d6b4e',
])

/** Says once that nothing tells the viewer when a task waits or has ended (UI-1201). */
export function NotificationsNotice() {
  const preferences = useQuery(preferencesQuery).data
  const open = preferences?.task_notification_alert_dismissed === false
  const templates = useQuery({ ...notificationTemplatesQuery, enabled: open }).data
  const chosen = useQuery({ ...notificationPreferencesQuery, enabled: open }).data
  const dismiss = useMutation({
    scope: { id: 'preferences' },
    mutationFn: () =>
      api.call(updatePreferences, {
        params: { user: 'me' },
        body: { task_notification_alert_dismissed: true },
      }),
    onSuccess: (saved) => queries.setQueryData(preferencesQuery.queryKey, saved),
    onError: (error) => toasts.failed('The notice was not dismissed', error),
  })
  const ofTasks = templates?.filter(({ id }) => OF_TASKS.has(id)) ?? []
  if (!open || chosen === undefined || ofTasks.length === 0) return null
  if (ofTasks.some((template) => isOn(template, chosen))) return null
  return (
    <Notice
      tone="info"
      title="Nothing tells you when a task waits for you, ends or fails"
      action={
        <>
          <AppLink href={paths.settings('notifications')} className={buttonClass({ size: 'dense' })}>
            Choose notifications
          </AppLink>
          <Button size="dense" tone="quiet" busy={dismiss.isPending} onClick={() => dismiss.mutate()}>
            Dismiss
          </Button>
        </>
      }
    >
      All notifications about tasks are off for your account.
    </Notice>
  )
}
