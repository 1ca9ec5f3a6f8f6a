        else
          failed = set(key, write[2], ttl)
        end
      end
    end
    local first = before_group + 1
    if failed then
      answer[first] = '\2' .. failed
    else
      answer[first] = (refused and '\0' or '\1') .. time_text .. answer[first]
    end
    next_group, key_number = next_plan, before_group + plans
  end
end
if last_key == 1 then return answer[1] end
return answer
