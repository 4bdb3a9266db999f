import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { createIdentityProvider } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { NoPermission } from '../users/no-permission.tsx'
import { CallbackField } from './callback-field.tsx'
import { ProviderFields } from './provider-fields.tsx'
import { creationOf, NEW_PROVIDER, type ProviderDraft, suggestedId } from './provider-form.ts'
import { identityProviderQuery } from './queries.ts'

const KINDS = [
  { id: 'oidc', label: 'OpenID Connect' },
  { id: 'github', label: 'GitHub' },
] as const

/** `/deployment/userauth/providers/new`: a provider that is kept here; disabled until it has been tried. */
export function NewProviderPage() {
  const permissions = usePermissions()
  const online = useOnline()
  const go = useGo()
  const [typed, setDraft] = useState<ProviderDraft>(NEW_PROVIDER)
  const [ownId, setOwnId] = useState<string>()
  const id = ownId ?? suggestedId(typed.display_name)
  const draft = { ...typed, id }
  const create = useMutation({
    mutationFn: () => api.call(createIdentityProvider, { body: creationOf(draft) }),
    onSuccess: (made) => {
      queries.setQueryData(identityProviderQuery(made.id).queryKey, made)
      void queries.invalidateQueries({ queryKey: ['identity-providers'] })
      toasts.done(`${made.display_name || made.id} was created. Test it before you enable it`)
      go(paths.identityProvider(made.id), { replace: true })
    },
  })
  const form = useInvalidFocus(create.error)
  if (permissions?.editDeploymentConfig === false)
    return <NoPermission what="add identity providers" permission="editDeploymentConfig" />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending) create.mutate()
  }
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[
            { label: 'Deployment', href: paths.deployment('overview') },
            { label: 'Sign-in', href: paths.deployment('userauth') },
          ]}
          here="New provider"
        />
      </div>
      <PageHeader
        title="New identity provider"
        documentTitle="New identity provider - Identity providers"
        context="Nobody sees it until you enable it"
      />
      <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={create.error} title="The provider was not created" />
        <Section
          title="Kind"
          help="Okta, Entra ID, Google, Keycloak, GitLab and most others support OpenID Connect."
        >
          <div className="flex flex-col gap-5">
            <Segmented
              label="Kind of provider"
              options={KINDS}
              value={draft.kind}
              onChange={(kind) => setDraft({ ...typed, kind })}
            />
            <Field
              label="Name on the sign-in page"
              error={fieldError(create.error, 'display_name')}
              help='The button reads "Continue with" and this name.'
            >
              {(field) => (
                <TextInput
                  {...field}
                  autoFocus
                  autoComplete="off"
                  placeholder={draft.kind === 'oidc' ? 'Acme SSO' : 'GitHub'}
                  value={draft.display_name}
                  onChange={(event) => setDraft({ ...typed, display_name: event.target.value })}
                />
              )}
            </Field>
            <Field
              label="Id"
              error={fieldError(create.error, 'id')}
              help="Part of the redirect URI, so it cannot be changed later: lower-case letters, digits and hyphens."
            >
              {(field) => (
                <TextInput
                  {...field}
                  required
                  spellCheck={false}
                  autoCapitalize="off"
                  autoComplete="off"
                  value={id}
                  onChange={(event) => setOwnId(event.target.value)}
                />
              )}
            </Field>
            {id === '' ? null : (
              <CallbackField
                url={`${location.origin}/api/v2/users/${draft.kind === 'oidc' ? 'oidc' : 'oauth2/github'}/${id}/callback`}
              />
            )}
          </div>
        </Section>
        <ProviderFields
          draft={draft}
          onChange={(patch) => setDraft({ ...typed, ...patch })}
          error={create.error}
          locked={false}
          hasSecret={false}
          named
        />
        <div className="flex justify-end gap-2">
          <AppLink href={paths.deployment('userauth')} className={buttonClass({})}>
            Cancel
          </AppLink>
          <Button type="submit" tone="primary" busy={create.isPending} disabled={!online}>
            Create provider
          </Button>
        </div>
      </form>
    </Page>
  )
}
