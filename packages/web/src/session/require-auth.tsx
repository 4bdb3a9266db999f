import { useQuery } from '@tanstack/react-query'
import { Outlet } from '@tanstack/react-router'
import { useEffect } from 'react'

import { leaveForSignIn } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { FormDraftOffer } from './form-draft-offer.tsx'
import { ServerUnreachable } from './server-unreachable.tsx'
import { meQuery } from './sign-in-queries.ts'
import { StepUpHost } from './step-up-host.tsx'
import { UserContext } from './user-context.ts'

/**
 * Wraps every signed-in page. The one definition of "signed out": `/users/me` answered 401 (UI-201). Any other
 * failure at the start shows a page that keeps trying (UI-2103); later ones leave the page as it is.
 */
export function RequireAuth() {
  const me = useQuery(meQuery)
  const signedOut = statusOf(me.error) === 401
  useEffect(() => {
    if (signedOut) leaveForSignIn()
  }, [signedOut])
  if (signedOut) return null
  if (me.data !== undefined)
    return (
      <UserContext value={me.data}>
        <Outlet />
        <StepUpHost />
        <FormDraftOffer key={me.data.id} user={me.data.id} />
      </UserContext>
    )
  if (me.isError)
    return <ServerUnreachable error={me.error} retry={() => void me.refetch()} busy={me.isFetching} />
  return <PageSkeleton />
}
