import { useMutation } from '@tanstack/react-query'

import { createUserSecret } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { toasts } from '../ui/toast.tsx'
import { refreshSecrets } from './queries.ts'
import { SecretForm, type SecretValues } from './secret-form.tsx'

const NOTHING: SecretValues = {
  name: '',
  value: '',
  description: '',
  envName: '',
  filePath: '',
  enabled: true,
}

/** `/settings/secrets/new`. */
export function NewSecretPage() {
  const go = useGo()
  const create = useMutation({
    mutationFn: ({ name, value, description, envName, filePath, enabled }: SecretValues) =>
      api.call(createUserSecret, {
        params: { user: 'me' },
        body: { name, value, description, env_name: envName, file_path: filePath, enabled },
      }),
    onSuccess: async (made) => {
      await refreshSecrets()
      toasts.done(`The secret ${made.name} was created`)
      go(paths.settings('secrets'))
    },
  })
  return (
    <SecretForm
      title="New secret"
      initial={NOTHING}
      existing={false}
      verb="Create secret"
      busy={create.isPending}
      error={create.error}
      onSubmit={(values) => create.mutate(values)}
    />
  )
}
