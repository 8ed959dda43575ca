use super::{super::Case, numbered, repeated};

pub fn cases() -> Vec<Case> {
    let keys = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4\n\
                BTBZMqHH6r4Tts7J_aSIgg";
    let endpoint = "https://fcm.googleapis.com/x";
    vec![
        repeated("push_subscriptions", "a long path", endpoint, "x", "\n\n\n\n"),
        repeated("push_subscriptions", "labels", "https://", "a.", "push.apple.com/x\n\n\n\n"),
        repeated("push_subscriptions", "dots", "https://", ".", "push.apple.com/x\n\n\n\n"),
        repeated("push_subscriptions", "users", "https://", "a@", "push.apple.com/x\n\n\n\n"),
        repeated("push_subscriptions", "a long key", "x\n", "A", "\n\n\n"),
        repeated("push_subscriptions", "padding", "x\n\n", "=", "\n\n"),
        numbered(
            "push_subscriptions",
            "services",
            &format!("{endpoint}\n\n\n"),
            |n| format!("*.s{n}.example,"),
            "push.example\n",
        ),
        repeated("push_subscriptions", "commas", &format!("{endpoint}\n\n\n"), ",", "\n"),
        repeated("push_subscriptions", "a long content", &format!("x\n{keys}\n\n"), "x", ""),
    ]
}
