import { TEMPLATES } from '../template-ids.ts'
import { group, type Template } from './notification-template.ts'

const viewAccounts = { label: 'View accounts', url: '{{base_url}}/deployment/users?filter=status%3Aactive' }

/** Text for administrators about an account. */
const account = (verb: 'created' | 'deleted' | 'suspended' | 'activated'): string =>
  `The {{#labels.account_type}}{{labels.account_type}} {{/labels.account_type}}account **{{labels.${verb}_account_name}}**{{#labels.${verb}_account_user_name}} of {{labels.${verb}_account_user_name}}{{/labels.${verb}_account_user_name}} was ${verb}{{#labels.initiator}} by {{labels.initiator}}{{/labels.initiator}}.`

/** What happens to accounts. */
export const userTemplates: readonly Template[] = group('User Events', 'ACCOUNT', [
  {
    id: TEMPLATES.userCreated,
    name: 'User account created',
    title: 'Account "{{labels.created_account_name}}" created',
    body: account('created'),
    actions: [viewAccounts],
  },
  {
    id: TEMPLATES.userDeleted,
    name: 'User account deleted',
    title: 'Account "{{labels.deleted_account_name}}" deleted',
    body: account('deleted'),
    actions: [viewAccounts],
  },
  {
    id: TEMPLATES.userSuspended,
    name: 'User account suspended',
    title: 'Account "{{labels.suspended_account_name}}" suspended',
    body: account('suspended'),
    actions: [
      { label: 'View suspended accounts', url: '{{base_url}}/deployment/users?filter=status%3Asuspended' },
    ],
  },
  {
    id: TEMPLATES.userActivated,
    name: 'User account activated',
    title: 'Account "{{labels.activated_account_name}}" activated',
    body: account('activated'),
    actions: [viewAccounts],
  },
  {
    id: TEMPLATES.yourAccountSuspended,
    name: 'Your account has been suspended',
    title: 'Your account "{{labels.suspended_account_name}}" is suspended',
    body: 'Your account **{{labels.suspended_account_name}}** was suspended{{#labels.initiator}} by {{labels.initiator}}{{/labels.initiator}}. You cannot sign in until an administrator activates it again.',
  },
  {
    id: TEMPLATES.yourAccountActivated,
    name: 'Your account has been activated',
    title: 'Your account "{{labels.activated_account_name}}" is active',
    body: 'Your account **{{labels.activated_account_name}}** was activated{{#labels.initiator}} by {{labels.initiator}}{{/labels.initiator}}. You can sign in again.',
    actions: [{ label: 'Open {{app_name}}', url: '{{base_url}}' }],
  },
  {
    id: TEMPLATES.oneTimePasscode,
    name: 'One-Time Passcode',
    inbox: false,
    title: 'Reset your password for {{app_name}}',
    body: 'Somebody, hopefully you, asked for a new password for your account. Choose one within 20 minutes, or enter this one-time passcode:\n\n**{{labels.one_time_passcode}}**\n\nIf it was not you, ignore this message: your password stays as it is.',
    actions: [
      {
        label: 'Choose a new password',
        url: '{{base_url}}/reset-password/change?otp={{labels.one_time_passcode}}&email={{user_email}}',
      },
    ],
  },
  {
    id: TEMPLATES.tokenExpiring,
    name: 'Token expires soon',
    title: 'Your token "{{labels.token_name}}" expires soon',
    body: 'Your token **{{labels.token_name}}** expires on {{labels.expires_at}}. Make a new one before that, and put it where the old one is used.',
    actions: [{ label: 'View tokens', url: '{{base_url}}/settings/tokens' }],
  },
])
