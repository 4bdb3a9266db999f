import { useMutation, useQuery } from '@tanstack/react-query'
import { AppWindow, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'

import { type OAuth2ProviderApp, updateOAuth2App } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { draftOf, isSameDraft, requestOf } from './app-draft.ts'
import { AppConnection, AppMetadata } from './app-facts.tsx'
import { AppForm } from './app-form.tsx'
import { AppMarks, isSelfRegistered } from './app-marks.tsx'
import { AppSecrets } from './app-secrets.tsx'
import { DeleteAppDialog } from './delete-app-dialog.tsx'
import { appQuery, appsQuery } from './queries.ts'

/** `/deployment/oauth2-provider/apps/{id}`: what an app needs to sign people in, and what is said about it. */
export function OAuth2AppPage() {
  const id = useRouteParam('app')
  const permissions = usePermissions()
  const app = useQuery({ ...appQuery(id), enabled: permissions?.viewDeploymentConfig === true })
  if (permissions?.viewDeploymentConfig === false)
    return <NoPermission what="manage OAuth2 apps" permission="viewDeploymentConfig" />
  if (app.data !== undefined) return <App key={app.data.id} app={app.data} />
  if (!app.isError) return <PageSkeleton />
  const status = statusOf(app.error)
  if (status !== 404 && status !== 400)
    return (
      <ErrorPage title="The app could not be read" error={app.error} onRetry={() => void app.refetch()} />
    )
  return (
    <EmptyState
      page
      icon={AppWindow}
      title="There is no such app"
      action={
        <AppLink href={paths.oauth2Apps()} className={buttonClass({ tone: 'primary' })}>
          All apps
        </AppLink>
      }
    >
      It was deleted, or the address is wrong.
    </EmptyState>
  )
}

function App({ app }: { readonly app: OAuth2ProviderApp }) {
  const permissions = usePermissions()
  const go = useGo()
  const [doomed, setDoomed] = useState(false)
  const self = isSelfRegistered(app)
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[
            { label: 'Deployment', href: paths.deployment('overview') },
            { label: 'OAuth2 apps', href: paths.oauth2Apps() },
          ]}
          here={app.name}
        />
      </div>
      <PageHeader
        title={app.name}
        documentTitle={`${app.name} - OAuth2 apps`}
        lead={
          <span className="inline-flex size-11 shrink-0 items-center justify-center rounded-card border border-line bg-surface">
            <ThingIcon src={app.icon} className="size-6" />
          </span>
        }
        badge={
          <span className="flex flex-wrap gap-1.5">
            <AppMarks app={app} />
          </span>
        }
        context={
          <>
            Created <TimeAgo time={app.created_at} />
          </>
        }
        actions={
          permissions?.deleteOAuth2App === true ? (
            <Button icon={<Trash2 className="size-4" strokeWidth={1.75} />} onClick={() => setDoomed(true)}>
              Delete
            </Button>
          ) : null
        }
      />
      <div className="flex flex-col gap-4">
        {self ? (
          <Notice tone="info" title="Nobody has verified who this is">
            {app.metadata_url === ''
              ? 'The app registered itself, and may change what it says about itself. The consent page tells people so.'
              : 'Its description comes from a document at its own address, and changes with it. The consent page tells people so.'}
          </Notice>
        ) : null}
        <AppConnection app={app} />
        {permissions?.viewOAuth2AppSecrets === true && app.client_type === 'confidential' ? (
          <AppSecrets app={app} />
        ) : null}
        {permissions?.editOAuth2App === true && !self ? <Edit app={app} /> : <AppMetadata app={app} />}
      </div>
      {doomed ? (
        <DeleteAppDialog
          app={app}
          onClose={() => setDoomed(false)}
          onDeleted={() => go(paths.oauth2Apps(), { replace: true })}
        />
      ) : null}
    </Page>
  )
}

function Edit({ app }: { readonly app: OAuth2ProviderApp }) {
  const [draft, setDraft] = useState(() => draftOf(app))
  const changed = useRef(false)
  const saved = draftOf(app)
  const same = isSameDraft(saved, draft)
  const save = useMutation({
    mutationFn: () => api.call(updateOAuth2App, { params: { app: app.id }, body: requestOf(draft) }),
    onSuccess: (next) => {
      changed.current = false
      setDraft(draftOf(next))
      queries.setQueryData(appQuery(app.id).queryKey, next)
      void queries.invalidateQueries({ queryKey: appsQuery.queryKey })
      toasts.done(`The app ${next.name} was saved`)
    },
  })
  return (
    <>
      <AppForm
        draft={draft}
        onChange={(next) => {
          setDraft(next)
          changed.current = !isSameDraft(saved, next)
        }}
        verb="Save app"
        failure="The app was not saved"
        busy={save.isPending}
        error={save.error}
        autoFocus={false}
        cancel={
          same ? null : (
            <Button
              onClick={() => {
                setDraft(saved)
                changed.current = false
                save.reset()
              }}
            >
              Discard changes
            </Button>
          )
        }
        onSubmit={() => save.mutate()}
      />
      <UnsavedChanges changed={changed} what={`the app ${app.name}`} />
    </>
  )
}
