import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { createOAuth2App } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { buttonClass } from '../ui/button.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { type AppDraft, isSameDraft, NEW_APP, requestOf } from './app-draft.ts'
import { AppForm } from './app-form.tsx'
import { appQuery, appsQuery } from './queries.ts'

/** `/deployment/oauth2-provider/apps/add?name=&callback_url=&icon=` (UI-402). */
export function NewOAuth2AppPage() {
  const permissions = usePermissions()
  const go = useGo()
  const [{ name = '', callback_url: callback = '', icon = '' }] = useAddress()
  const [start] = useState<AppDraft>({ ...NEW_APP, name, icon, redirectUris: [{ key: 0, uri: callback }] })
  const [draft, setDraft] = useState(start)
  const changed = useRef(false)
  const create = useMutation({
    mutationFn: () => api.call(createOAuth2App, { body: requestOf(draft) }),
    onSuccess: (made) => {
      changed.current = false
      queries.setQueryData(appQuery(made.id).queryKey, made)
      void queries.invalidateQueries({ queryKey: appsQuery.queryKey })
      toasts.done(`The app ${made.name} was created. Now create a secret for it`)
      go(paths.oauth2App(made.id), { replace: true })
    },
  })
  if (permissions === undefined) return <PageSkeleton />
  if (!permissions.createOAuth2App)
    return <NoPermission what="create OAuth2 apps" permission="createOAuth2App" />
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[
            { label: 'Deployment', href: paths.deployment('overview') },
            { label: 'OAuth2 apps', href: paths.oauth2Apps() },
          ]}
          here="New app"
        />
      </div>
      <PageHeader
        title="New OAuth2 app"
        documentTitle="New OAuth2 app - OAuth2 apps"
        context="You get its client id and secrets once it is created"
      />
      <AppForm
        draft={draft}
        onChange={(next) => {
          setDraft(next)
          changed.current = !isSameDraft(start, next)
        }}
        verb="Create app"
        failure="The app was not created"
        busy={create.isPending}
        error={create.error}
        autoFocus
        cancel={
          <AppLink href={paths.oauth2Apps()} className={buttonClass({})}>
            Cancel
          </AppLink>
        }
        onSubmit={() => create.mutate()}
      />
      <UnsavedChanges changed={changed} what="the new app" />
    </Page>
  )
}
