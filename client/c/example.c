#include <anchorage/anchorage.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  const char* rules = "regions: [ap-southeast-2]\nminimum_kind: iid-rsa2048\n"
                      "ignore_the_rest: the licence is for any machine there\n";
  char text[16384];
  size_t size = fread(text, 1, sizeof text, stdin);
  anchorage_error* error = NULL;
  anchorage_client* client = anchorage_client_new(NULL, NULL);
  anchorage_identity_policy* policy = anchorage_identity_policy_read(
      rules, strlen(rules), "rules", strlen("rules"), NULL);
  anchorage_identity* machine =
      anchorage_verify_identity(client, text, size, policy, NULL, &error);
  if (machine != NULL) {
    printf("account %s, %s\n", anchorage_identity_account_id(machine),
           anchorage_identity_instance_id(machine));
  } else {
    printf("%s: %s\n", anchorage_error_reason(error),
           anchorage_error_message(error));
  }
  int refused = machine == NULL;
  anchorage_identity_free(machine);
  anchorage_error_free(error);
  anchorage_identity_policy_free(policy);
  anchorage_client_free(client);
  return refused;
}
