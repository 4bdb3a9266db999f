import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { listUsers } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useUser } from '../session/session.tsx'
import { Field, Select } from '../ui/form.tsx'
import { mayChooseOwnerQuery } from './queries.ts'

interface Owner {
  readonly id: string
  readonly username: string
}

const SHOWN = 200

/** For whom a workspace is made; only for those who may make one for anybody (UI-312, UI-732). */
export function OwnerField({
  organizationId,
  owner,
  onChange,
}: {
  readonly organizationId: string
  readonly owner: Owner
  readonly onChange: (owner: Owner) => void
}) {
  const user = useUser()
  const allowed = useQuery(mayChooseOwnerQuery(organizationId))
  // The list is long and seldom needed: it is read when the field is touched.
  const [touched, setTouched] = useState(false)
  const users = useQuery({
    queryKey: ['possible-owners'],
    queryFn: ({ signal }) => api.call(listUsers, { query: { q: 'status:active', limit: SHOWN }, signal }),
    enabled: touched && allowed.data === true,
  })
  if (allowed.data !== true) return null
  const known = users.data?.users ?? []
  const options = [
    { value: user.id, label: `${user.username} (you)` },
    ...known.filter(({ id }) => id !== user.id).map(({ id, username }) => ({ value: id, label: username })),
  ]
  return (
    <Field label="Owner">
      {(field) => (
        <Select
          {...field}
          value={owner.id}
          options={options}
          onFocus={() => setTouched(true)}
          onPointerEnter={() => setTouched(true)}
          onChange={(event) => {
            const chosen = [user, ...known].find(({ id }) => id === event.target.value)
            if (chosen !== undefined) onChange({ id: chosen.id, username: chosen.username })
          }}
        />
      )}
    </Field>
  )
}
