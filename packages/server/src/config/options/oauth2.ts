import { cidr, hostPattern } from '../checks.ts'
import { groups } from '../groups.ts'
import { option } from '../option.ts'
import { duration, int, list } from '../value-type.ts'

const { oauth2 } = groups

/** Which clients the OAuth2 authorization server takes, and how many. */
export const oauth2Options = {
  oauth2RegistrationTokens: option(list(), {
    name: 'OAuth2 Registration Tokens',
    flag: 'oauth2-registration-tokens',
    secret: true,
    group: oauth2,
    help: 'Bearer tokens that clients must send one of to register themselves; none asks for none.',
  }),
  oauth2RedirectAllowedHosts: option(list(hostPattern), {
    name: 'OAuth2 Redirect Allowed Hosts',
    flag: 'oauth2-redirect-allowed-hosts',
    yaml: 'redirectAllowedHosts',
    group: oauth2,
    help: 'Hosts that clients which register themselves may redirect to over https, such as example.com or *.example.com; none allows all.',
  }),
  oauth2RegistrationRateLimit: option(int(0), {
    name: 'OAuth2 Registration Rate Limit',
    flag: 'oauth2-registration-rate-limit',
    yaml: 'registrationRateLimit',
    default: '200',
    group: oauth2,
    help: 'Clients an hour that may register themselves with the deployment; 0 switches the limit off.',
  }),
  oauth2RegistrationRateLimitPerAddress: option(int(0), {
    name: 'OAuth2 Registration Rate Limit per Address',
    flag: 'oauth2-registration-rate-limit-per-address',
    yaml: 'registrationRateLimitPerAddress',
    default: '20',
    group: oauth2,
    help: 'Clients an hour that may register themselves from one address, and as many new documents of clients that may be named from there; 0 switches the limit off.',
  }),
  oauth2MaxUnusedClients: option(int(0, 1_000_000), {
    name: 'OAuth2 Maximum Unused Clients',
    flag: 'oauth2-max-unused-clients',
    yaml: 'maxUnusedClients',
    default: '1000',
    group: oauth2,
    help: 'How many self-registered clients there may be that nobody has authorised yet.',
  }),
  oauth2ClientDocumentAllowedHosts: option(list(hostPattern), {
    name: 'OAuth2 Client Document Allowed Hosts',
    flag: 'oauth2-client-document-allowed-hosts',
    yaml: 'clientDocumentAllowedHosts',
    group: oauth2,
    help: 'Hosts whose documents may describe clients, such as example.com or *.example.com; none allows all.',
  }),
  oauth2ClientDocumentDeniedHosts: option(list(hostPattern), {
    name: 'OAuth2 Client Document Denied Hosts',
    flag: 'oauth2-client-document-denied-hosts',
    yaml: 'clientDocumentDeniedHosts',
    group: oauth2,
    help: 'Hosts whose documents may not describe clients, also when they are allowed; * denies all.',
  }),
  oauth2ClientDocumentPrivateRanges: option(list(cidr), {
    name: 'OAuth2 Client Document Private Ranges',
    flag: 'oauth2-client-document-private-ranges',
    yaml: 'clientDocumentPrivateRanges',
    group: oauth2,
    help: 'Address ranges of your own network from which documents of clients may be fetched, such as 10.1.0.0/16.',
  }),
  oauth2RefreshGrace: option(duration, {
    name: 'OAuth2 Refresh Grace',
    flag: 'oauth2-refresh-grace',
    yaml: 'refreshGrace',
    default: '0s',
    group: oauth2,
    help: 'How long a refresh token that was exchanged may be exchanged once more, for clients that did not get the answer: 5m at most, since nobody notices a stolen one meanwhile; 0 for not at all.',
  }),
}
