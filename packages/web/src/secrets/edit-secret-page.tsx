import { useMutation, useQuery } from '@tanstack/react-query'
import { LockKeyhole } from 'lucide-react'

import { type UserSecret, updateUserSecret } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshSecrets, secretsQuery } from './queries.ts'
import { SecretForm, type SecretValues } from './secret-form.tsx'

/** `/settings/secrets/{name}`. */
export function EditSecretPage() {
  const name = useRouteParam('secret')
  const secrets = useQuery(secretsQuery)
  const secret = secrets.data?.find((one) => one.name === name)
  if (secret !== undefined) return <Edit key={secret.id} secret={secret} />
  if (secrets.isError)
    return (
      <ErrorNotice
        error={secrets.error}
        title="The secret could not be read"
        onRetry={() => void secrets.refetch()}
      />
    )
  if (secrets.data === undefined)
    return (
      <AfterDelay>
        <div className="skeleton h-80 rounded-card" aria-busy="true" />
      </AfterDelay>
    )
  return (
    <EmptyState
      icon={LockKeyhole}
      title={`There is no secret ${name}`}
      action={
        <AppLink href={paths.settings('secrets')} className={buttonClass({ tone: 'primary' })}>
          All secrets
        </AppLink>
      }
    >
      It was deleted, or it has another name.
    </EmptyState>
  )
}

function Edit({ secret }: { readonly secret: UserSecret }) {
  const go = useGo()
  const save = useMutation({
    mutationFn: ({ value, description, envName, filePath, enabled }: SecretValues) =>
      api.call(updateUserSecret, {
        params: { user: 'me', name: secret.name },
        body: {
          ...(value === '' ? {} : { value }),
          description,
          env_name: envName,
          file_path: filePath,
          enabled,
        },
      }),
    onSuccess: async () => {
      await refreshSecrets()
      toasts.done(`The secret ${secret.name} was saved`)
      go(paths.settings('secrets'))
    },
  })
  return (
    <SecretForm
      title={secret.name}
      initial={{
        name: secret.name,
        value: '',
        description: secret.description,
        envName: secret.env_name,
        filePath: secret.file_path,
        enabled: secret.enabled,
      }}
      existing
      verb="Save secret"
      busy={save.isPending}
      error={save.error}
      onSubmit={(values) => save.mutate(values)}
    />
  )
}
