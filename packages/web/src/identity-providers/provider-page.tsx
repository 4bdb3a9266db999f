import { useMutation, useQuery } from '@tanstack/react-query'
import { FlaskConical, Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { type IdentityProvider, updateIdentityProvider } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useRouteParam } from '../navigation/address.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice, ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { NoPermission } from '../users/no-permission.tsx'
import { CallbackField } from './callback-field.tsx'
import { DeleteProviderDialog } from './delete-provider-dialog.tsx'
import { ProviderFields } from './provider-fields.tsx'
import { changeOf, draftOf, type ProviderDraft } from './provider-form.ts'
import { identityProviderQuery } from './queries.ts'
import { useTestSignIn } from './use-test-sign-in.ts'

/** `/deployment/userauth/providers/{provider}`: one way to sign in. */
export function ProviderPage() {
  const id = useRouteParam('provider')
  const permissions = usePermissions()
  const provider = useQuery({
    ...identityProviderQuery(id),
    enabled: permissions?.viewDeploymentConfig === true,
  })
  if (permissions?.viewDeploymentConfig === false)
    return <NoPermission what="see identity providers" permission="viewDeploymentConfig" />
  if (provider.data !== undefined)
    return <Provider key={provider.data.updated_at ?? provider.data.id} provider={provider.data} />
  if (!provider.isError) return <PageSkeleton />
  return statusOf(provider.error) === 404 ? (
    <ErrorPage title={`There is no provider ${id}`}>
      It may have been deleted. What is configured is listed under Deployment, Sign-in.
    </ErrorPage>
  ) : (
    <ErrorPage
      title="The provider could not be read"
      error={provider.error}
      onRetry={() => void provider.refetch()}
    />
  )
}

function Provider({ provider }: { readonly provider: IdentityProvider }) {
  const go = useGo()
  const online = useOnline()
  const mayEdit = usePermissions()?.editDeploymentConfig === true
  const fixed = provider.source === 'settings'
  const [draft, setDraft] = useState<ProviderDraft>(() => draftOf(provider))
  const [doomed, setDoomed] = useState(false)
  const test = useTestSignIn(provider)
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(provider))
  const save = useMutation({
    mutationFn: () =>
      api.call(updateIdentityProvider, { params: { identityprovider: provider.id }, body: changeOf(draft) }),
    onSuccess: (saved) => {
      queries.setQueryData(identityProviderQuery(provider.id).queryKey, saved)
      void queries.invalidateQueries({ queryKey: ['identity-providers'] })
      void queries.invalidateQueries({ queryKey: ['auth-methods'] })
      toasts.done(`${saved.display_name || saved.id} was saved`)
    },
  })
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  const name = provider.display_name || provider.id
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[
            { label: 'Deployment', href: paths.deployment('overview') },
            { label: 'Sign-in', href: paths.deployment('userauth') },
          ]}
          here={name}
        />
      </div>
      <PageHeader
        title={name}
        documentTitle={`${name} - Identity providers`}
        context={provider.kind === 'oidc' ? 'OpenID Connect' : 'GitHub'}
        actions={
          mayEdit ? (
            <>
              <Button
                busy={test.isPending}
                disabled={changed}
                title={changed ? 'Save first: the test uses what is stored' : undefined}
                onClick={() => test.mutate()}
                icon={<FlaskConical className="size-4" strokeWidth={1.75} />}
              >
                Test sign-in
              </Button>
              {fixed ? null : (
                <Button
                  onClick={() => setDoomed(true)}
                  icon={<Trash2 className="size-4" strokeWidth={1.75} />}
                >
                  Delete
                </Button>
              )}
            </>
          ) : null
        }
      />
      <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
        {fixed ? (
          <Notice tone="info" title="This provider comes from the settings of the server">
            Change <code>{provider.kind === 'oidc' ? 'CODER_OIDC_*' : 'CODER_OAUTH2_GITHUB_*'}</code> and
            restart to change it.
          </Notice>
        ) : null}
        <ErrorNotice error={save.error} title="The provider was not saved" />
        <Section title="Register this at the provider">
          <CallbackField url={provider.callback_url} />
        </Section>
        <ProviderFields
          draft={draft}
          onChange={(patch) => setDraft({ ...draft, ...patch })}
          error={save.error}
          locked={fixed || !mayEdit}
          hasSecret={provider.has_client_secret}
        />
        {fixed || !mayEdit ? null : (
          <div className="flex justify-end gap-2">
            <Button disabled={!changed || save.isPending} onClick={() => setDraft(draftOf(provider))}>
              Discard
            </Button>
            <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || !changed}>
              Save provider
            </Button>
          </div>
        )}
      </form>
      {doomed ? (
        <DeleteProviderDialog
          provider={provider}
          onClose={() => setDoomed(false)}
          onDeleted={() => go(paths.deployment('userauth'), { replace: true })}
        />
      ) : null}
    </Page>
  )
}
