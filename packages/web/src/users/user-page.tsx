import { useMutation, useQuery } from '@tanstack/react-query'
import { Boxes, KeyRound, Scale, ScrollText, Trash2, UserCheck, UserRound, UserX } from 'lucide-react'
import { useState } from 'react'

import { activateUser, type User } from '@slipway/contract'
import { UserBudgetSection } from '../ai-spend/user-budget-section.tsx'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { meQuery } from '../session/queries.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { Avatar } from '../ui/avatar.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { toasts } from '../ui/toast.tsx'
import { NoPermission } from './no-permission.tsx'
import { userQuery } from './queries.ts'
import { ResetPasswordDialog } from './reset-password-dialog.tsx'
import { UserFacts, UserGroups } from './user-facts.tsx'
import { STATUS_LOOKS } from './user-look.ts'
import { ProfileForm } from './user-profile-form.tsx'
import { DeleteDialog, SuspendDialog } from './user-questions.tsx'
import { RolesForm } from './user-roles-form.tsx'
import { UserSecurity } from './user-security.tsx'

/** `/deployment/users/{user}`: one account, and everything an administrator does to it (UI-1401). */
export function UserPage() {
  const name = useRouteParam('user')
  const permissions = usePermissions()
  const user = useQuery({ ...userQuery(name), enabled: permissions?.viewAllUsers === true })
  if (permissions?.viewAllUsers === false)
    return <NoPermission what="see all users" permission="viewAllUsers" />
  if (user.data !== undefined) return <Account user={user.data} />
  if (!user.isError) return <PageSkeleton />
  return statusOf(user.error) === 404 || statusOf(user.error) === 400 ? (
    <EmptyState
      page
      icon={UserRound}
      title={`There is no user ${name}`}
      action={
        <AppLink href={paths.users()} className={buttonClass({ tone: 'primary' })}>
          See all users
        </AppLink>
      }
    >
      The account may have been renamed or deleted.
    </EmptyState>
  ) : (
    <ErrorPage title="The account could not be read" error={user.error} onRetry={() => void user.refetch()} />
  )
}

function Account({ user }: { readonly user: User }) {
  const me = useUser()
  const go = useGo()
  const permissions = usePermissions()
  const mayUpdate = permissions?.updateUsers === true
  const self = user.id === me.id
  const [asked, setAsked] = useState<'suspend' | 'delete' | 'password'>()
  const close = () => setAsked(undefined)
  const refresh = () => {
    void queries.invalidateQueries({ queryKey: ['users'] })
    if (self) void queries.invalidateQueries({ queryKey: meQuery.queryKey })
  }
  const activate = useMutation({
    mutationFn: () => api.call(activateUser, { params: { user: user.id } }),
    onSuccess: () => {
      refresh()
      toasts.done(`${user.username} can sign in again`)
    },
    onError: (error) => toasts.failed(`${user.username} was not activated`, error),
  })
  return (
    <Page>
      <div className="pb-3">
        <Breadcrumbs above={[{ label: 'Users', href: paths.users() }]} here={user.username} />
      </div>
      <PageHeader
        title={user.username}
        documentTitle={`${user.username} - Users`}
        lead={<Avatar name={user.username} url={user.avatar_url} className="size-11" />}
        badge={<StateBadge look={STATUS_LOOKS[user.status]} />}
        context={
          [user.name, user.email].filter((part) => part !== '').join(', ') || 'An account of a program'
        }
        actions={
          mayUpdate && !self ? (
            <Menu
              label={`Actions for ${user.username}`}
              groups={[
                [
                  ...(user.login_type === 'password'
                    ? [
                        {
                          id: 'password',
                          label: 'Reset password',
                          icon: KeyRound,
                          onSelect: () => setAsked('password'),
                        },
                      ]
                    : []),
                  user.status === 'suspended'
                    ? {
                        id: 'activate',
                        label: 'Activate',
                        icon: UserCheck,
                        onSelect: () => activate.mutate(),
                      }
                    : { id: 'suspend', label: 'Suspend', icon: UserX, onSelect: () => setAsked('suspend') },
                ],
                [
                  {
                    id: 'delete',
                    label: 'Delete',
                    icon: Trash2,
                    danger: true,
                    onSelect: () => setAsked('delete'),
                  },
                ],
              ]}
            />
          ) : null
        }
      />
      {user.status === 'suspended' ? (
        <div className="pb-4">
          <Notice
            tone="warn"
            title="The account is suspended"
            {...(mayUpdate && !self
              ? {
                  action: (
                    <Button size="dense" busy={activate.isPending} onClick={() => activate.mutate()}>
                      Activate
                    </Button>
                  ),
                }
              : {})}
          >
            It cannot sign in, and its tokens are refused. Its workspaces stay.
          </Notice>
        </div>
      ) : null}
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-4">
          <ProfileForm
            key={`${user.username} ${user.name} ${user.avatar_url}`}
            user={user}
            locked={!mayUpdate}
            onSaved={(saved) => {
              refresh()
              if (saved.username !== user.username) go(paths.user(saved.username), { replace: true })
            }}
          />
          <RolesForm key={user.roles.map(({ name }) => name).join(' ')} user={user} locked={!mayUpdate} />
          {mayUpdate || self ? (
            <UserSecurity
              user={user}
              self={self}
              mayUpdate={mayUpdate}
              onResetPassword={() => setAsked('password')}
            />
          ) : null}
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <nav aria-label={`More about ${user.username}`}>
            <ul className="overflow-hidden rounded-card border border-line bg-surface text-sm">
              <Elsewhere
                href={paths.workspaces({ filter: `owner:${user.username}` })}
                icon={Boxes}
                label="Workspaces"
              />
              {permissions?.viewAnyAuditLog === true ? (
                <>
                  <Elsewhere
                    href={paths.auditLog({ filter: `username:${user.username}` })}
                    icon={ScrollText}
                    label="Activity"
                  />
                  <Elsewhere
                    href={paths.auditLog({ filter: `resource_id:${user.id}` })}
                    icon={ScrollText}
                    label="Changes to the account"
                  />
                  <Elsewhere
                    href={paths.explainAccess({ user: user.username })}
                    icon={Scale}
                    label="Access"
                  />
                </>
              ) : null}
            </ul>
          </nav>
          <UserFacts user={user} />
          <UserGroups user={user} />
          <UserBudgetSection user={user} />
        </div>
      </div>
      {asked === 'suspend' ? <SuspendDialog user={user} onClose={close} onDone={refresh} /> : null}
      {asked === 'password' ? <ResetPasswordDialog user={user} onClose={close} /> : null}
      {asked === 'delete' ? (
        <DeleteDialog
          user={user}
          onClose={close}
          onDone={() => {
            go(paths.users(), { replace: true })
            queries.removeQueries({ queryKey: userQuery(user.username).queryKey })
            void queries.invalidateQueries({ queryKey: ['users'] })
          }}
        />
      ) : null}
    </Page>
  )
}

function Elsewhere({
  href,
  icon: Icon,
  label,
}: {
  readonly href: string
  readonly icon: typeof Boxes
  readonly label: string
}) {
  return (
    <li className="border-b border-line last:border-b-0">
      <AppLink
        href={href}
        className="flex min-h-10 items-center gap-2.5 px-4 font-medium outline-offset-[-2px] hover:bg-hover"
      >
        <Icon className="size-4 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
        {label}
      </AppLink>
    </li>
  )
}
