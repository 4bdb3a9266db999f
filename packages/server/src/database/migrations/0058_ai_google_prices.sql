-- oldest-version: 4
-- Models of Google are charged by their name without `models/`, which their requests may have or not: prices that were
-- set with it are found under that name from now on.
update ai_model_prices p set model = substr(p.model, 8)
 where p.provider = 'google' and p.model like 'models/_%'
   and not exists (select from ai_model_prices o
                    where o.provider = p.provider and o.source = p.source and o.model = substr(p.model, 8));
delete from ai_model_prices where provider = 'google' and model like 'models/_%';
